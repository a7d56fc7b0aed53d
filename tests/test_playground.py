"""The playground of the documentation in a real browser, and the renderer that it gives to the package."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from autograd_lite import Value, draw, steps
from autograd_lite.drawing.pictures.render import set_renderer
from autograd_lite.errors import RenderError

ROOT = Path(__file__).parent.parent
NODE_MODULES = os.environ.get("AUTOGRAD_LITE_NODE_MODULES")
EXAMPLES = sorted(path.stem for path in (ROOT / "docs/playground/examples").glob("*.py"))
#: What a page may ask for: only this server. Pyodide writes code, and draws by it, as WebAssembly.
POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-src 'self' data:"
SOON, LATER = 20, 60  # seconds


# ---- A renderer that is given


@pytest.fixture
def renderer() -> Iterator[Any]:
    yield set_renderer
    set_renderer(None)


def test_a_renderer_that_is_given_draws(renderer: Any) -> None:
    asked = []

    def draws(source: str, format: str) -> bytes:
        asked.append((source, format))
        return b'<svg width="8pt" height="8pt"\n viewBox="0 0 8 8"></svg>'

    renderer(draws)
    drawing = draw(Value(2.0, name="x") * 3.0)
    assert drawing.svg.startswith("<svg ")
    assert asked == [(drawing.source, "svg")]


@pytest.mark.parametrize(
    ("draws", "said"),
    [
        (lambda source, format: 1 / 0, "the renderer given to set_renderer failed to make svg: division by zero"),
        (lambda source, format: None, "should return str or bytes, not NoneType"),
    ],
)
def test_a_renderer_that_fails_is_named(renderer: Any, draws: Any, said: str) -> None:
    renderer(draws)
    with pytest.raises(RenderError, match=said):
        steps(Value(2.0) * 3.0)._page()


# ---- The page


class Server(http.server.SimpleHTTPRequestHandler):
    missing = ""

    def translate_path(self, path: str) -> str:
        is_missing = self.missing and path.endswith(self.missing)
        return super().translate_path("/missing" if is_missing else path)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        pass


Server.extensions_map = {**Server.extensions_map, ".mjs": "text/javascript", ".js": "text/javascript"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served, built by Sphinx in the documentation's theme."""
    if not NODE_MODULES:
        pytest.skip("the tests of the playground need AUTOGRAD_LITE_NODE_MODULES: see docs/playground.md")
    if not all(map(find_spec, ("furo", "myst_parser", "sphinx"))):
        pytest.skip("the tests of the playground need the dependency group docs")
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    shutil.copy(ROOT / "docs/playground.md", source / "index.md")
    options = ["-q", "-W", "-C", "-D", "extensions=myst_parser,playground", "-D", "html_theme=furo"]
    subprocess.run(
        [sys.executable, "-m", "sphinx", *options, source, built],
        env=os.environ | {"PYTHONPATH": str(ROOT / "docs"), "AUTOGRAD_LITE_NODE_MODULES": NODE_MODULES},
        check=True,
    )
    (built / "favicon.ico").touch()  # browsers ask for it
    handler = functools.partial(Server, directory=str(built))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def tab(browser: Any, address: str) -> Any:
    """The page, which has Python; it is loaded once."""
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(address)
    until(browser, LATER, lambda: status(browser).startswith("Ready"))
    return browser


@pytest.fixture
def page(tab: Any) -> Iterator[Any]:
    yield tab
    tab.switch_to.default_content()
    assert [entry["message"] for entry in tab.get_log("browser")] == []


def until(page: Any, seconds: float, holds: Any) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(page, seconds, poll_frequency=0.05).until(lambda _: holds())


def find(page: Any, name: str) -> Any:
    return page.find_element("id", f"play-{name}")


def click(page: Any, name: str) -> None:
    page.execute_script("arguments[0].click()", find(page, name))  # the theme scrolls to it too slowly for selenium


def status(page: Any) -> str:
    return str(find(page, "status").text)


def output(page: Any) -> str:
    return str(find(page, "output").text)


def write(page: Any, code: str) -> None:
    page.execute_script("document.getElementById('play-code').value = arguments[0]", code)


def run(page: Any, code: str) -> str:
    write(page, code)
    click(page, "run")
    until(page, LATER, lambda: status(page).startswith("Done"))
    return output(page)


def choose(page: Any, example: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(find(page, "example")).select_by_value(example)
    text = (ROOT / f"docs/playground/examples/{example}.py").read_text(encoding="utf-8")
    until(page, SOON, lambda: find(page, "code").get_attribute("value") == text)


def test_every_example_can_be_chosen() -> None:
    page = (ROOT / "docs/playground.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r'<option value="(\w+)"', page)) == EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(page: Any, example: str) -> None:
    choose(page, example)
    click(page, "run")
    until(page, LATER, lambda: status(page).startswith("Done"))
    assert page.find_elements("css selector", "#play-output > *")
    assert page.find_elements("css selector", "#play-output .err") == []


def test_an_expression_is_shown_with_its_numbers_and_its_graph(page: Any) -> None:
    choose(page, "gradient")
    click(page, "run")
    until(page, LATER, lambda: status(page).startswith("Done"))
    assert "dz/dx = 0.29829290414066567\ndz/dy = 0.894878712421997" in output(page)
    svg = page.find_element("css selector", "#play-output .picture > svg")
    texts = [text.text for text in svg.find_elements("css selector", "text")]
    assert {"x", "y", "z", "tanh", "data 1.5", "grad 0.2983"} <= set(texts)
    assert len(svg.find_elements("css selector", "g.node")) == 8


def test_the_page_of_steps_is_there(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    choose(page, "steps")
    click(page, "run")
    until(page, LATER, lambda: status(page).startswith("Done"))
    page.switch_to.frame(page.find_element("css selector", "#play-output iframe"))
    assert page.find_element("id", "where").text.startswith("step 1 of")
    page.find_element("id", "last").send_keys(Keys.ENTER)
    assert "w1" in page.find_element("id", "words").text
    assert page.find_elements("css selector", "#graph svg g.node")


def test_an_error_is_shown_from_the_readers_own_line_on(page: Any) -> None:
    said = run(page, "from autograd_lite import Value\nprint('before')\n\nValue('one')\n")
    before, _, traceback = said.partition("\n")
    assert before == "before"
    assert traceback.startswith('Traceback (most recent call last):\n  File "playground.py", line 4, in <module>\n')
    assert "    Value('one')" in traceback
    assert "TypeError: " in traceback
    assert "pyodide" not in traceback
    assert "cell.py" not in traceback


def test_a_syntax_error_is_shown_at_its_place(page: Any) -> None:
    assert run(page, "x = (1").startswith('  File "playground.py", line 1\n    x = (1\n')


def test_each_run_starts_anew_and_its_files_can_be_taken(page: Any) -> None:
    run(page, "a = 1\nopen('note.txt', 'w').write('ö')")
    link = page.find_element("css selector", "#play-output a[download]")
    assert link.get_attribute("download") == "note.txt"
    text = page.execute_async_script(
        "fetch(arguments[0]).then((found) => found.text()).then(arguments[1])", link.get_attribute("href")
    )
    assert text == "ö"
    said = run(page, "import os\nprint(os.listdir())\na")
    assert said.startswith("[]\n")
    assert said.endswith("NameError: name 'a' is not defined")


def test_what_is_shown_stands_in_order(page: Any) -> None:
    code = "import sys\nprint(1, end='')\ndisplay('two', 3)\nprint('four', file=sys.stderr)\nNone"
    assert run(page, code).split() == ["1'two'", "3", "four"]


def test_output_without_end_is_cut(page: Any) -> None:
    said = run(page, "for i in range(100_000):\n    print(i, 'x' * 10)")
    assert "(200,000 characters are shown, not more)" in said
    assert len(said) < 210_000


def test_stop_ends_a_loop_and_the_next_run_works(page: Any) -> None:
    write(page, "print('begun')\nwhile True:\n    pass")
    click(page, "run")
    until(page, SOON, lambda: output(page) == "begun")
    assert status(page) == "Running …"
    click(page, "stop")
    assert status(page).startswith("Stopped.")
    assert run(page, "1 + 1") == "2"  # waits for Python to be there


def test_a_run_that_takes_too_long_is_stopped(page: Any) -> None:
    page.execute_script("window.later = setTimeout; window.setTimeout = (call, ms) => later(call, ms / 60)")
    try:
        write(page, "while True:\n    pass")
        click(page, "run")
        until(page, SOON, lambda: status(page).startswith("Stopped: a run may take 60 seconds here."))
    finally:
        page.execute_script("window.setTimeout = window.later")
    assert run(page, "2 + 2") == "4"


def test_where_python_breaks_the_next_run_works(page: Any) -> None:
    write(page, "import os\nos.abort()")
    click(page, "run")
    until(page, LATER, lambda: status(page).startswith("Python broke down: "))
    assert run(page, "3 + 3") == "6"
    page.get_log("browser")  # Pyodide reports it there


def test_the_keyboard_is_enough(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    code = find(page, "code")
    write(page, "")
    code.send_keys("for i in range(2):", Keys.ENTER, "print(i)", Keys.ENTER, "print('and')")
    assert code.get_attribute("value") == "for i in range(2):\n    print(i)\n    print('and')"
    code.send_keys(Keys.SHIFT, Keys.TAB, Keys.SHIFT)
    assert code.get_attribute("value").endswith("\nprint('and')")
    code.send_keys(Keys.TAB)
    assert len(code.get_attribute("value").splitlines()[-1]) == 16
    code.send_keys(Keys.CONTROL, "z", Keys.CONTROL)
    assert code.get_attribute("value").endswith("\nprint('and')")
    code.send_keys(Keys.CONTROL, Keys.ENTER, Keys.CONTROL)
    until(page, SOON, lambda: status(page).startswith("Done"))
    assert output(page) == "0\n1\nand"
    code.send_keys(Keys.ESCAPE, Keys.TAB)
    assert page.switch_to.active_element != code
    order = []
    find(page, "example").send_keys("")
    for _ in range(4):
        order.append(page.switch_to.active_element.get_attribute("id"))
        page.switch_to.active_element.send_keys(Keys.TAB)
    assert order[:4] == ["play-example", "play-run", "play-stop", "play-code"]


def test_every_control_has_a_name(page: Any) -> None:
    controls = page.find_elements("css selector", "#playground :is(button, select, textarea, section)")
    assert [control.accessible_name for control in controls] == ["Example", "Run", "Stop", "Python code", "Output"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("chosen", ["auto", "other"])
def test_pictures_have_the_theme_of_the_page(page: Any, theme: str, chosen: str, width: int) -> None:
    """Which is that of the system, unless the reader has chosen the other one."""
    system = theme if chosen == "auto" else {"light": "dark", "dark": "light"}[theme]
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": system}]}
    )
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.execute_script("document.body.dataset.theme = arguments[0]", theme if chosen == "other" else "auto")
        run(page, "from autograd_lite import *\nx = Value(2.0, name='x')\ny = tanh(x * x)\ndisplay(draw(y), steps(y))")
        paper = "#play-output svg > g > polygon"
        fill = page.execute_script(f"return getComputedStyle(document.querySelector('{paper}')).fill")
        assert fill == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}[theme]
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        page.switch_to.frame(page.find_element("css selector", "#play-output iframe"))
        behind = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert behind == fill
    finally:
        page.switch_to.default_content()
        page.execute_script("document.body.dataset.theme = 'auto'")
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_reader_without_the_files_is_told(browser: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "missing", "autograd_lite.zip")
    browser.get(address)
    told = "Python could not be loaded: autograd_lite.zip: 404 File not found. Run tries again."
    until(browser, SOON, lambda: status(browser) == told)
    browser.get_log("browser")
    monkeypatch.undo()
    assert run(browser, "1 + 1") == "2"
