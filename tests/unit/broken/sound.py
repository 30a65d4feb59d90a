"""A small programme without a mistake, which each case breaks in one place."""

PROGRAMME = """\
programme: small
locales: [en, nl]
channels: [email]
quiet: ["20:00", "08:00"]
calendars:
  office: {days: [mon, tue, wed, thu, fri], hours: ["09:00", "17:00"], holidays: NL}
fields:
  contact: {vip: bool}
classes:
  ask: {consent: programme, caps: [ask], held_by: [case], leaves: slot, calendar: office}
  reminder: {consent: programme, leaves: slot}
  transactional: {at_night: [email]}
caps:
  ask: {max: 1, within: 7d}
asks:
  if: contact.nps.score >= 9
  ladder:
    - {kind: quote, done_by: quote.given}
staff:
  u-ann: {email: ann@x.example, deputy: u-bob}
  u-bob: {leave: [2027-02-01, 2027-02-08]}
queues:
  sales: [u-ann, u-bob]
roles:
  sales: [contact.owner, {if: account.name == 'x', to: u-ann}, queue.sales]
  boss: [sales, u-bob]
unassigned: {after: 15m, to: boss}
"""

WORKFLOW = """\
workflow: w
trigger:
  event: nps.answered
  if: event.data.score <= 6
run: {per: response, again: once}
exit:
  - {event: nps.answered, if: event.data.score > trigger.data.score, as: better}
steps:
  - send: {template: hi, class: transactional}
    id: hello
  - task:
      to: sales
      title: Call {{ contact.name }}
      due: 2bd
      levels: [{after: 0bh, to: boss}]
      requires: [cause]
    id: call
    then:
      done:
        - set: {vip: steps.call.event.data.cause == 'x'}
  - ask:
      kind: quote
      template: ask
      before: trigger.time + duration('48h')
      reminders: {every: 7d, send: [ask]}
  - wait_for: {event: quote.given, if: event.data.may_publish, within: 3mo}
    then:
      timeout:
        - stop: silent
"""

MAIL = "---\nsubject: Hello\n---\nHello {{ contact.name }}\n"

ASK = MAIL + "[Rather not now]({{ links.not_now }})\n"

SOURCE = """\
source: s
signature: {scheme: bearer, secret: env:TOKEN}
events:
  - if: body.kind == 'x'
    type: nps.answered
    contact: {email: body.email}
    data: {response: body.id, score: int(body.score)}
"""

SOUND = {
    "programme.yaml": PROGRAMME,
    "workflows/w.yaml": WORKFLOW,
    "sources/s.yaml": SOURCE,
    "templates/hi/en.md": MAIL,
    "templates/hi/nl.md": MAIL,
    "templates/ask/en.md": ASK,
    "templates/ask/nl.md": ASK,
    "templates/task_escalated/en.md": MAIL,
}
"""Files by path."""
