"""The webhooks that desk.toml declares, and the secrets that sign their calls.

A secret comes from a command or an environment variable, never from a file of ours, and reaches no message.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import NamedTuple

from tkt.channels.secret_command import CommandFailed, first_line
from tkt.errors import WebhookUnusable
from tkt.store.definitions import Declared

PREFIX = "whsec_"
"""What begins a secret that is written in base64 (Standard Webhooks)."""


class Webhook(NamedTuple):
    """Where calls go, and where their secret comes from; without one they are not signed."""

    name: str
    url: str
    secret_command: str = ""
    secret_env: str = ""


def read_webhook(declared: Declared) -> Webhook:
    """A `[[webhook]]` of desk.toml."""
    return Webhook(declared.name, **declared.body)


def secret_of(webhook: Webhook) -> bytes:
    """The key that signs; empty where the webhook has none. Raises WebhookUnusable where it can't be had."""
    if webhook.secret_command:
        return _key(webhook, _from_command(webhook))
    if not webhook.secret_env:
        return b""
    text = os.environ.get(webhook.secret_env, "")
    if not text:
        raise WebhookUnusable(f"webhook {webhook.name} has no secret: ${webhook.secret_env} is empty")
    return _key(webhook, text)


def _key(webhook: Webhook, text: str) -> bytes:
    if not text.startswith(PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise WebhookUnusable(f"webhook {webhook.name}: what follows {PREFIX} in its secret is not base64") from None


def _from_command(webhook: Webhook) -> str:
    try:
        return first_line(webhook.secret_command)
    except CommandFailed as error:
        raise WebhookUnusable(f"the secret command of webhook {webhook.name} {error}") from None
