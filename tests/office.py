"""The head of a small programme, for tests that write the rest of it themselves."""

HEAD = """\
programme: t
zone: Asia/Tokyo
locales: [en]
classes: {plain: {}, ask: {}, reminder: {}}
calendars:
  office: {days: [mon, tue, wed, thu, fri], hours: ["09:00", "17:00"]}
staff: {u-pim: {name: Pim, email: pim@t.example}}
roles: {pim: [u-pim]}
"""
