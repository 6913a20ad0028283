"""The login: user authentication (RFC 4252, RFC 4256), one try of each method that the secret is good for.

Blocking: for a thread of its own. First `none` is asked for, which costs no attempt and tells the
methods; a secret is sent only for a method that the target offers.
"""

from __future__ import annotations

import functools
import queue
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paramiko import Message, SSHException

from probes.codes import Failed
from probes.contract import Secret
from probes.net.base import NetworkFailure
from probes.ssh.keys import Signer, signer
from probes.ssh.session import Session

SERVICE_REQUEST, SERVICE_ACCEPT = 5, 6
REQUEST, FAILURE, SUCCESS, BANNER, MORE, RESPONSE = 50, 51, 52, 53, 60, 61

# One question without echo is taken for the password's, unless it speaks of a second factor.
SECOND_FACTOR = re.compile(r"code|token|otp|pin\b|verification|factor|challenge|response|new ", re.IGNORECASE)
NAMED = re.compile(r"\S+@\S+")


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's message. `methods` can go on and `partial` says one was accepted: for FAILURE."""

    number: int
    message: Message
    methods: tuple[str, ...] = ()
    partial: bool = False


class Login:
    """The dialogue of one login. `at_stake`: the secret is out and the target has not accepted it.

    It stands where paramiko keeps its own authentication handler.
    """

    def __init__(self, session: Session, secret: Secret, seconds: float) -> None:
        self.at_stake = False
        self._session = session
        self._transport = session.transport
        self._secret = secret
        self._began = time.monotonic()
        self._seconds = seconds
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._handler_table: dict[int, Callable[[Message], None]] = {
            number: functools.partial(self._hear, number)
            for number in (SERVICE_ACCEPT, FAILURE, SUCCESS, BANNER, MORE)
        }

    def run(self) -> str:
        """Log in; returns the method that did it. Raises Failed, Withheld, NetworkFailure."""
        key = signer(self._secret)
        try:
            self._transport.auth_handler = self
            self._ask(SERVICE_REQUEST, "ssh-userauth")
            answer = self._request("none")
            if answer.number == SUCCESS:
                return "none"
            return self._climb(self._ways(key), answer)
        finally:
            if key is not None:
                key.close()
            self._session.close()

    def _ways(self, key: Signer | None) -> dict[str, Callable[[], Answer]]:
        """The methods that the secret is good for, the best first."""
        ways: dict[str, Callable[[], Answer]] = {}
        if key is not None:
            ways["publickey"] = functools.partial(self._by_key, key)
        if self._secret.password is not None:
            ways["password"] = functools.partial(self._by_password, self._secret.password)
            ways["keyboard-interactive"] = functools.partial(self._by_questions, self._secret.password)
        return ways

    def _climb(self, ways: dict[str, Callable[[], Answer]], answer: Answer) -> str:
        accepted: list[str] = []
        while True:
            method = next((name for name in ways if name in answer.methods), None)
            if method is None:
                raise _not_offered(self._quoted(", ".join(answer.methods)), tuple(ways), accepted)
            answer = ways.pop(method)()
            if answer.number == SUCCESS:
                self.at_stake = False
                return " and ".join([*accepted, method])
            if not answer.partial:
                raise self._refused(method, answer)
            self.at_stake = False
            accepted.append(method)

    def _by_password(self, password: str) -> Answer:
        self.at_stake = True
        answer = self._request("password", False, password)
        if answer.number == MORE:  # SSH_MSG_USERAUTH_PASSWD_CHANGEREQ
            raise Failed(
                "auth.failed", f"the password of {self._secret.username} has expired: it wants a new one"
            )
        return answer

    def _by_questions(self, password: str) -> Answer:
        answer = self._request("keyboard-interactive", "", "")
        asked = False
        while answer.number == MORE:
            questions = _questions(answer.message)
            if not questions:
                answer = self._ask(RESPONSE, 0)
                continue
            if asked or len(questions) > 1 or not self._is_password(*questions[0]):
                self.at_stake = False
                raise _second_factor([self._quoted(text) for text, _ in questions], asked)
            asked = self.at_stake = True
            answer = self._ask(RESPONSE, 1, password)
        return answer

    def _is_password(self, question: str, echo: bool) -> bool:
        """Whether this asks for the password; PAM's questions may name the user and the host."""
        bare = NAMED.sub("", question).replace(self._secret.username, "")
        return not echo and not SECOND_FACTOR.search(bare)

    def _by_key(self, key: Signer) -> Answer:
        self.at_stake = True
        algorithm = key.algorithm(self._transport.server_extensions.get("server-sig-algs", b""))
        answer = self._request("publickey", False, algorithm, key.blob)
        if answer.number != MORE:  # SSH_MSG_USERAUTH_PK_OK
            return answer
        fields = (self._secret.username, "ssh-connection", "publickey", True, algorithm, key.blob)
        session = Message()
        session.add_string(self._transport.session_id)
        signed = session.asbytes() + _message(REQUEST, *fields).asbytes()  # RFC 4252 7
        return self._ask(REQUEST, *fields, key.sign(signed, algorithm))

    def _request(self, method: str, *fields: Any) -> Answer:
        return self._ask(REQUEST, self._secret.username, "ssh-connection", method, *fields)

    def _ask(self, number: int, *fields: Any) -> Answer:
        """Send a message and wait for the answer to it."""
        try:
            self._transport._send_message(_message(number, *fields))
            left = self._began + self._seconds - time.monotonic()
            answer = self._answers.get(timeout=max(left, 0.0)) if self._transport.active else None
        except queue.Empty:
            raise self._session.sock.overdue(self._began) from None
        except (EOFError, OSError, SSHException):
            answer = None
        if answer is None:
            raise self._ended()
        return answer

    def _ended(self) -> NetworkFailure | Failed:
        failure = self._session.failure()
        if isinstance(failure, Failed):
            failure.summary = self._quoted(failure.summary)
        return failure

    def _quoted(self, words: str) -> str:
        """The target's words, without the password where it says that again."""
        password = self._secret.password
        return words.replace(password, "****") if password else words

    def _refused(self, method: str, answer: Answer) -> Failed:
        return Failed(
            "auth.failed",
            f"refused {self._secret.username} by {method}",
            evidence=(f"it lets in by {self._quoted(', '.join(answer.methods)) or 'no method'}",),
        )

    # What paramiko asks of an authentication handler, in its thread.

    def _hear(self, number: int, message: Message) -> None:
        if number == BANNER:
            return
        if number == SUCCESS:
            self._transport._auth_trigger()
        if number == FAILURE:
            methods = tuple(_text(message).split(","))
            self._answers.put(Answer(number, message, methods, message.get_boolean()))
        else:
            self._answers.put(Answer(number, message))

    def abort(self) -> None:
        self._answers.put(None)

    def is_authenticated(self) -> bool:
        return False


def _message(number: int, *fields: Any) -> Message:
    """A message of these fields: booleans, uint32s, strings (RFC 4251 5)."""
    message = Message()
    message.add_byte(bytes([number]))
    for field in fields:
        if isinstance(field, bool):
            message.add_boolean(field)
        elif isinstance(field, int):
            message.add_int(field)
        else:
            message.add_string(field)
    return message


def _text(message: Message) -> str:
    return message.get_string().decode("utf-8", "replace")


def _questions(message: Message) -> list[tuple[str, bool]]:
    """The questions of an SSH_MSG_USERAUTH_INFO_REQUEST, each with whether the answer may be seen."""
    for _ in ("name", "instruction", "language"):
        message.get_string()
    return [(_text(message), message.get_boolean()) for _ in range(min(message.get_int(), 16))]


def _second_factor(questions: list[str], after_password: bool) -> Failed:
    asks = ", ".join(f"`{question.strip()[:60]}`" for question in questions)
    when = "after the password it asks" if after_password else "it asks"
    return Failed("auth.method_not_offered", f"{when} for {asks}, which the credential can't answer")


def _not_offered(offers: str, wanted: tuple[str, ...], accepted: list[str]) -> Failed:
    if accepted:
        summary = f"accepted {' and '.join(accepted)}, and wants a second factor: {offers or 'nothing'}"
    else:
        summary = f"it lets in by {offers or 'nothing'}; the credential is good for {', '.join(wanted)}"
    return Failed("auth.method_not_offered", summary)
