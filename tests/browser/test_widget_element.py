"""The widget as an element: loaded, upgraded, added, moved and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.conftest import open_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from browser.hosting import Site
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}
HEADLESS = '<live-agent mode="headless"><button id="go">Go</button><p id="said"></p></live-agent>'


def test_only_the_button_is_loaded_at_first(call: Callable[..., Caller], emulator: Program, embedded: Program) -> None:
    """Hovering loads the rest, and a press fetches the token."""
    caller = call()
    asked: list[str] = []
    caller.page.on("request", lambda request: asked.append(request.url))
    caller.arrive()
    launcher = caller.button("Talk to us")
    launcher.wait_for()
    caller.page.wait_for_load_state("networkidle")

    def files() -> set[str]:
        ours = [url.removeprefix(embedded.url) for url in asked if url.startswith(embedded.url)]
        return {path.split("/", 3)[3] if path.startswith("/assets/") else path for path in ours}

    first = {"/widget.js", "widget.js", "widget/element.js", "widget/facade.js", "widget/dom.js"}
    assert files() == first | {"widget/locales/index.js"}
    minted = emulator.get("/emulator/mints").json["minted"]
    with caller.page.expect_request("**/locales/en.js"):
        launcher.hover()
    launcher.click()
    caller.button("Start talking").wait_for()
    assert "live/session.js" in files()
    assert not {"widget/settings.js", "live/media/camera.js", "widget/locales/de.js"} & files()
    assert "/token" not in files()
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert caller.page.evaluate("opened.tracks.length") == 0


def test_properties_set_before_the_upgrade_apply(call: Callable[..., Caller]) -> None:
    """The element may be used before its definition has loaded."""
    caller = call(
        """<live-agent lang="de"></live-agent>
        <script>
          const early = document.querySelector('live-agent');
          early.profile = 'nowhere';
          early.mode = 'inline';
          early.pushToTalk = true;
          early.strings = { launcher: 'Frag uns' };
          early.getCredential = () => { globalThis.asked = true; return null; };
        </script>"""
    )
    caller.arrive()
    caller.button("Frag uns").click()
    caller.page.locator(".start").click()
    assert caller.error.startswith("Sie sind nicht angemeldet.")
    assert caller.page.evaluate("globalThis.asked") is True
    attributes = "[...document.querySelector('live-agent').attributes].map(({ name }) => name)"
    assert {"profile", "mode", "push-to-talk", "lang"} <= set(caller.page.evaluate(attributes))


def test_several_elements_hold_separate_conversations(call: Callable[..., Caller]) -> None:
    """Also if added later."""
    caller = call("")
    caller.arrive()
    caller.page.evaluate(
        """() => {
          for (const [id, corner] of [['one', 'bottom-start'], ['two', 'top-end']]) {
            const agent = document.createElement('live-agent');
            agent.id = id;
            agent.corner = corner;
            agent.input = 'text';
            document.body.append(agent);
          }
        }"""
    )
    for name in ("one", "two"):
        agent = caller.page.locator(f"#{name}")
        agent.get_by_role("button", name="Talk to us").click()
        agent.get_by_label("Message").fill(f"I am number {name}")
        agent.get_by_role("button", name="Send").click()
        agent.locator(".agent", has_text=f"I am number {name}").wait_for()
    states = "[...document.querySelectorAll('live-agent')].map(({ state }) => state)"
    assert caller.page.evaluate(states) == ["live", "live"]
    one, two = (caller.page.locator(f"#{name} .panel").bounding_box() for name in ("one", "two"))
    assert one is not None
    assert two is not None
    assert one["x"] + one["width"] < two["x"]
    assert "number two" not in caller.page.locator("#one .log").inner_text()
    caller.page.evaluate("document.querySelector('#one').remove()")
    caller.until("opened.sockets.filter(({ readyState }) => readyState < 2).length === 1")
    assert caller.page.evaluate("document.querySelector('#two').state") == "live"


def test_removing_the_element_ends_the_conversation(call: Callable[..., Caller]) -> None:
    """Nothing is left, and added again it works."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.talk()
    caller.page.evaluate("globalThis.agent = document.querySelector('live-agent'); agent.remove()")
    caller.until("agent.state === 'closed'")
    assert caller.left_open == NOTHING
    caller.page.evaluate("document.body.append(agent)")
    caller.button("New conversation").click()
    caller.becomes("live")
    assert caller.page_errors == []


def test_moving_the_element_keeps_the_conversation(call: Callable[..., Caller]) -> None:
    """A framework may remove and insert it in one task."""
    caller = call('<div id="from"><live-agent></live-agent></div><div id="to"></div>')
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.page.evaluate(
        """async () => {
          const agent = document.querySelector('live-agent');
          agent.remove();
          await null; // still the same task
          document.querySelector('#to').append(agent);
          await new Promise((resolve) => setTimeout(resolve));
          await new Promise(requestAnimationFrame);
        }"""
    )
    caller.say("Still there?")
    caller.reads('you typed "Still there?"')
    assert [change["state"] for change in caller.heard("state")] == ["connecting", "live"]
    assert len(caller.page.evaluate("opened.sockets")) == 1


def test_removing_the_element_cancels_a_pending_start(call: Callable[..., Caller]) -> None:
    """Nothing starts afterwards."""
    caller = call()
    caller.arrive()
    outcome = caller.page.evaluate(
        """async () => {
          const agent = document.querySelector('live-agent');
          const started = agent.start().then(() => 'live', ({ code }) => code);
          agent.remove();
          return started;
        }"""
    )
    assert outcome == "hung-up"
    assert caller.left_open == NOTHING


def test_escape_minimizes_the_panel(call: Callable[..., Caller]) -> None:
    """The focus returns to the button, which says that the conversation continues."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.page.get_by_label("Message").press("Escape")
    caller.focuses("launcher")
    assert caller.page.get_by_role("dialog").count() == 0
    ongoing = caller.page.get_by_role("button", name="Conversation in progress")
    assert caller.page.evaluate("document.querySelector('live-agent').state") == "live"
    ongoing.press("Enter")
    caller.focuses("start end")
    caller.button("Minimize").click()
    caller.focuses("launcher")
    assert [change["open"] for change in caller.heard("toggle")] == [True, False, True, False]
    caller.page.get_by_label("Search").focus()
    caller.page.evaluate("document.querySelector('live-agent').open = true")
    caller.page.get_by_role("dialog").wait_for()
    assert caller.page.evaluate("document.activeElement.id") == "search", "the host's focus stays"


def test_headless_leaves_the_drawing_to_the_host(call: Callable[..., Caller]) -> None:
    """Its children are shown; methods and events do the rest."""
    caller = call(
        HEADLESS
        + """<script type="module">
          const agent = document.querySelector('live-agent');
          const said = document.querySelector('#said');
          agent.addEventListener('live-agent-transcript', ({ detail: { side, text, final } }) => {
            if (side === 'agent' && final) said.textContent = text;
          });
          document.querySelector('#go').addEventListener('click', async () => {
            await agent.start();
            agent.mute();
            await agent.sendText('Hello');
          });
        </script>"""
    )
    asked: list[str] = []
    caller.page.on("request", lambda request: asked.append(request.url))
    caller.arrive()
    caller.button("Go").click()
    caller.page.locator("#said", has_text="you typed").wait_for()
    assert caller.page.evaluate("document.querySelector('live-agent').session.muted") is True
    assert caller.page.get_by_role("button").all_inner_texts() == ["Go"]
    assert not any(url.endswith(("/view.js", "/styles.js", "/locales/en.js")) for url in asked)
    caller.page.evaluate("document.querySelector('live-agent').stop()")
    assert caller.left_open == NOTHING


def test_class_can_be_defined_under_another_name(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    embedded: Program,
    site: Site,
) -> None:
    """With the address of its service."""
    elsewhere = start_service(open_to(site), emulator.url)
    caller = call(
        f"""<our-guide mode="inline" service="{elsewhere.url}"></our-guide>
        <script type="module">
          const {{ LiveAgent }} = await import('{embedded.url}/widget/element.js');
          class OurGuide extends LiveAgent {{}}
          OurGuide.define('our-guide');
        </script>"""
    )
    caller.arrive()
    with caller.page.expect_response(f"{elsewhere.url}/token") as answered:
        caller.button("Talk to us").click()
        caller.say("Hello")
    assert answered.value.status == 200
    caller.reads("you typed")
    told = "document.querySelector('our-guide').service"
    assert caller.page.evaluate(told) == elsewhere.url + "/"


def test_nothing_is_global_and_nothing_is_stored(call: Callable[..., Caller]) -> None:
    """No globals, no storage."""
    names = "new Set(Object.getOwnPropertyNames(window))"
    caller = call(f"<script>globalThis.before = {names};</script>")
    caller.arrive()
    caller.page.evaluate("document.body.append(document.createElement('live-agent'))")
    caller.open_widget()
    caller.type_only()
    caller.hang_up()
    added = "Object.getOwnPropertyNames(window).filter((name) => !before.has(name))"
    assert set(caller.page.evaluate(added)) <= {"before"}
    assert caller.page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert caller.page.context.cookies() == []
