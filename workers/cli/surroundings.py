"""What `vouch doctor` looks at around an installation: the queue, mail and SMS."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from events.errors import VouchError
from workers.channels.email import EmailChannel, SmtpServer
from workers.channels.sms import SmsChannel
from workers.channels.targets import host_of
from workers.cli.developing import MAIL_FOLDER
from workers.compose import mail_domain, outbound_of
from workers.queue.server import REDIS_MAJOR_MIN, QueueServer, look
from workers.settings import Settings
from workers.wellbeing import Look

CONNECT_SECONDS_MAX = 5.0


def look_at_queue(settings: Settings) -> Iterator[Look]:
    """Look at the Redis or Valkey: is it there, able, and does it keep what it is given?"""
    found = look(settings.redis_url)
    if not isinstance(found, QueueServer):
        yield Look("queue", "error", f"does not answer: {found}", "is VOUCH_REDIS_URL right?")
        return
    if not found.is_able:
        remedy = f"bells need Redis {REDIS_MAJOR_MIN} or later, or any Valkey"
        yield Look("queue", "error", f"{found.name} is too old", remedy)
        return
    if found.evicts:
        remedy = "set maxmemory-policy to noeviction"
        yield Look("queue", "warning", f"{found.name} may drop events ({found.evicts})", remedy)
    else:
        yield Look("queue", "ok", found.name)
    if found.set_aside:
        said = f"messages that are no lists of events, set aside: {found.set_aside}"
        yield Look("queue", "warning", said, "docs/publishing.md, The queue")


def look_at_mail(settings: Settings) -> Look:
    """Look whether mail can leave: the folder is ours to write, or the server answers."""
    if settings.mail_folder is not None:
        return _look_at_folder(settings.mail_folder)
    if not settings.smtp_url:
        if settings.embedded:
            return Look("mail", "ok", f"vouch dev writes files into {MAIL_FOLDER}/")
        remedy = "set VOUCH_SMTP_URL, or VOUCH_MAIL_FOLDER to write files"
        return Look("mail", "error", "no mail can leave", remedy)
    try:
        EmailChannel(settings.smtp_url, domain=mail_domain(settings))
        server = SmtpServer.parse(settings.smtp_url)
    except VouchError as error:
        return Look("mail", "error", str(error), error.hint)
    place = f"{server.host}:{server.port}"
    try:
        with socket.create_connection((server.host, server.port), CONNECT_SECONDS_MAX):
            pass
    except OSError as error:
        said = f"{place} does not answer: {error.strerror or type(error).__name__}"
        return Look("mail", "error", said, "is VOUCH_SMTP_URL right, and the port open to us?")
    way = "TLS" if server.tls else "STARTTLS" if server.starttls else "no encryption"
    return Look("mail", "ok", f"{place} answers ({way}); nothing was sent")


def _look_at_folder(folder: Path) -> Look:
    """Tell of a folder that stands for mail whether it takes files, or can be made."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        remedy = "for real mail, set VOUCH_SMTP_URL instead of VOUCH_MAIL_FOLDER"
        return Look("mail", "warning", f"files in {folder}: nobody gets any", remedy)
    remedy = "let VOUCH_MAIL_FOLDER name one that we may make, or write into"
    return Look("mail", "error", f"nothing can be written into {folder}", remedy)


def look_at_sms(settings: Settings) -> Iterator[Look]:
    """Look at the SMS gateway where there is one; nothing is sent to it."""
    if not settings.sms_url or settings.mail_folder is not None:
        return
    outbound = outbound_of(settings)
    try:
        SmsChannel(settings.sms_url, secret=settings.sms_secret, outbound=outbound)
    except VouchError as error:
        yield Look("sms", "error", str(error), f"VOUCH_SMS_SECRET: {error.hint}")
        return
    host = host_of(settings.sms_url)
    if outbound.allows(host):
        yield Look("sms", "ok", f"by {host}; nothing was sent")
    else:
        said = "the host of the gateway is not allowed: no message leaves"
        yield Look("sms", "error", said, f"add {host} to VOUCH_ALLOWED_HOSTS")
