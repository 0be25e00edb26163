"""What people see and do, in a real browser with a virtual passkey."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import Browser

from assay.identity.browser import Asked
from tests.integration.identity.world import World
from tests.support.browser import Visitor
from tests.support.people import peopled

__all__ = ["peopled"]


@pytest.fixture
def visitor(browser: Browser, peopled: World) -> Iterator[Callable[[str], Visitor]]:
    """Open a window for somebody, with their passkey in it."""
    opened: list[Visitor] = []

    def open_for(name: str) -> Visitor:
        one = Visitor.of(browser)
        opened.append(one)
        one.holds(peopled.browser_passkey(name))
        return one

    yield open_for
    for one in opened:
        one.close()


def test_colours_that_cannot_be_read_in_the_dark_are_a_barrier(visitor: Callable[[str], Visitor]) -> None:
    dana = visitor("dana")
    dana.page.set_content(
        "<html lang='en'><title>Grey</title><style>@media (prefers-color-scheme: dark)"
        "{ p { background: #222; color: #444 } }</style><main><h1>Grey</h1><p>on grey</p></main></html>"
    )
    assert dana.barriers() == ["dark: color-contrast: <p>on grey</p>"]


def test_a_person_signs_in_looks_around_and_signs_out(
    peopled: World, visitor: Callable[[str], Visitor]
) -> None:
    peopled.grant_role("dana", "data-scientist")
    dana = visitor("dana")
    dana.page.goto(f"{peopled.people_origin}/sign-in")
    assert dana.barriers() == []
    dana.pictures("sign-in")
    dana.sign_in(peopled.people_origin)
    assert dana.page.get_by_role("heading", name="dana").is_visible()
    assert dana.page.get_by_text("data-scientist").is_visible()
    assert dana.barriers() == []
    dana.pictures("home")
    dana.page.get_by_role("link", name="Sessions").click()
    assert dana.page.get_by_text("this one").is_visible()
    assert dana.barriers() == []
    dana.pictures("sessions")
    dana.page.get_by_role("button", name="Sign out").click()
    assert dana.page.get_by_role("heading", name="You are signed out").is_visible()
    dana.page.goto(peopled.people_origin)
    assert dana.page.url == f"{peopled.people_origin}/sign-in?next=%2F"


def test_a_passkey_that_does_not_verify_its_user_is_not_used(
    peopled: World, visitor: Callable[[str], Visitor]
) -> None:
    dana = visitor("dana")
    dana.is_verified(False)
    dana.page.goto(f"{peopled.people_origin}/sign-in")
    dana.page.get_by_role("button", name="Sign in with a passkey").click()
    dana.page.get_by_text("No passkey was used").wait_for()
    dana.pictures("sign-in-refused")


def test_a_page_that_does_not_exist_says_what_to_do(
    peopled: World, visitor: Callable[[str], Visitor]
) -> None:
    dana = visitor("dana")
    dana.page.goto(f"{peopled.people_origin}/nonesuch")
    assert dana.page.get_by_role("heading", name="NotFound").is_visible()
    assert dana.barriers() == []
    dana.pictures("error")


def test_a_page_cannot_be_put_into_a_frame(peopled: World, visitor: Callable[[str], Visitor]) -> None:
    dana = visitor("dana")
    dana.page.set_content(f'<iframe src="{peopled.people_origin}/sign-in"></iframe>')
    dana.page.wait_for_timeout(1000)
    framed = dana.page.frames[1]
    assert framed.locator("form").count() == 0


def test_somebody_is_enrolled_and_two_administrators_sign_it_and_a_role(
    peopled: World, browser: Browser, visitor: Callable[[str], Visitor]
) -> None:
    origin = peopled.people_origin
    ada, grace, eve = visitor("ada"), visitor("grace"), Visitor.of(browser)
    for administrator in (ada, grace):
        administrator.sign_in(origin)
    ada.page.get_by_role("link", name="People").last.click()
    assert ada.barriers() == []
    ada.page.get_by_label("Name").fill("eve")
    ada.pictures("people")
    ada.page.get_by_role("button", name="Make a link").click()
    link = ada.page.get_by_label("Link").input_value()
    assert ada.barriers() == []
    ada.pictures("invited")
    eve.page.goto(link)
    assert eve.barriers() == []
    eve.pictures("enrol")
    eve.page.get_by_role("button", name="Make a passkey").click()
    eve.page.get_by_role("heading", name="Now administrators sign it").wait_for()
    mark = eve.page.locator(".code-word").inner_text()
    eve.pictures("enrolled")
    for administrator in (ada, grace):
        administrator.page.goto(f"{origin}/pending")
        administrator.pictures("pending")
        administrator.page.get_by_role("link", name="New passkey").click()
        assert administrator.page.locator(".code-word").inner_text() == mark
        assert administrator.barriers() == []
        administrator.pictures("proposal")
        administrator.page.get_by_role("button", name="Sign with your passkey").click()
        administrator.page.get_by_text("You have signed").or_(
            administrator.page.get_by_text("Nothing waits")
        ).wait_for()
    eve.sign_in(origin)
    assert eve.page.get_by_text("none yet").is_visible()
    person = peopled.identity.names.person("eve")
    ada.page.goto(f"{origin}/people/{person}")
    assert ada.barriers() == []
    ada.pictures("person")
    ada.page.get_by_label("Another role").fill("approver")
    ada.page.get_by_role("button", name="Propose to grant").click()
    address = ada.page.url
    for administrator in (ada, grace):
        administrator.page.goto(address)
        administrator.page.get_by_role("button", name="Sign with your passkey").click()
        administrator.page.get_by_text("You have signed").or_(
            administrator.page.get_by_text("Nothing waits")
        ).wait_for()
    eve.page.reload()
    assert eve.page.get_by_text("approver").is_visible()
    eve.close()


def test_the_command_and_another_machine_are_let_in(
    peopled: World, visitor: Callable[[str], Visitor]
) -> None:
    dana = visitor("dana")
    dana.sign_in(peopled.people_origin)
    heard: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<title>back</title>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listening) as command:
        threading.Thread(target=command.handle_request).start()
        address = Asked().address(peopled.people_origin, f"http://127.0.0.1:{command.server_port}/signed-in")
        dana.page.goto(address)
        assert dana.barriers() == []
        dana.pictures("authorize")
        dana.page.get_by_role("button", name="Allow").click()
        dana.page.wait_for_url("http://127.0.0.1:*/**")
    assert heard[0].startswith("/signed-in?code=")
    _, asking = peopled.identity.authorizing.devices.ask("0" * 64, "build-7", "10.0.0.7")
    dana.page.goto(f"{peopled.people_origin}/device")
    dana.page.get_by_label("Code").fill(asking.words.lower())
    dana.page.get_by_role("button", name="Go on").click()
    assert dana.page.get_by_text("build-7").is_visible()
    assert dana.barriers() == []
    dana.pictures("device")
    dana.page.get_by_role("button", name="The code is the same: allow").click()
    assert dana.page.get_by_role("heading", name="The machine is logged in").is_visible()
    dana.pictures("device-done")
