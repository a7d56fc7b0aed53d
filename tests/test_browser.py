"""The page of steps in a real browser: Chromium without a window, driven by selenium."""

import json
from pathlib import Path
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Value, steps
from autograd_lite.drawing.steps.notation import shown
from autograd_lite.drawing.steps.records import Given
from autograd_lite.drawing.steps.steps import Steps

pytest.importorskip("selenium", reason="the tests of pages need selenium")
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

NAME = '</script><b x="שלום">'


def neuron() -> Value:
    x, w, b = Value(2.0, name="x"), Value(-3.0, name=NAME), Value(6.5, name="b")
    o = ag.tanh(x * w + b) * x
    o.name = "o"
    return o


@pytest.fixture(scope="module")
def every() -> Steps:
    return steps(neuron())


@pytest.fixture
def page(browser: Any, every: Steps, tmp_path: Path) -> Any:
    browser.get_log("browser"), browser.get_log("performance")
    address = every.save(tmp_path / "steps.html").as_uri()
    browser.get(address)
    WebDriverWait(browser, 10).until(lambda page: page.execute_script(IS_LIVE, address))
    return browser


def place(page: Any) -> int:
    text = page.find_element(By.ID, "where").text
    assert text.startswith("step ")
    return int(text.split()[1])


def press(page: Any, *keys: str) -> None:
    page.switch_to.active_element.send_keys(*keys)


def look(page: Any) -> dict[str, Any]:
    """All that the page shows at this step."""
    found = page.execute_script("""
        const texts = (all) => [...document.querySelectorAll(all)].map((one) => one.textContent);
        return {
          rows: [...document.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
          exact: [...document.querySelectorAll("tbody tr")].map((row) => [row.cells[1].title, row.cells[2].title]),
          picture: [...document.querySelectorAll("#graph g:has(> text > .step-data)")].map((box) =>
            [box.querySelector(".step-data").textContent.trim(), box.querySelector(".step-grad").textContent.trim()]),
          lit: [...document.querySelectorAll("#graph .is-now")].map((one) => one.id),
          words: texts("#words")[0], equations: texts("#equations math"),
        }""")
    assert isinstance(found, dict)
    return found


def test_each_step_shows_the_engines_numbers(page: Any, every: Steps) -> None:
    data: dict[Value, float | None] = {}
    grad: dict[Value, float | None] = {}
    for i, step in enumerate(every, 1):
        assert place(page) == i
        if isinstance(step, Given):
            data |= dict(zip(step.nodes, step.numbers, strict=True))
        elif hasattr(step, "result"):
            data[step.node] = step.result
        else:
            grad[getattr(step, "operand", step.node)] = step.total
        seen = look(page)
        expected = [
            [label, *(shown(numbers[node]) if node in numbers else "" for numbers in (data, grad))]
            for node, label in every.labels.items()
        ]
        assert seen["rows"] == expected
        assert sorted(seen["picture"]) == sorted(row[1:] for row in expected)
        assert seen["words"] == step.words()
        assert len(seen["equations"]) == len(step.equations())
        page.find_element(By.ID, "next").click()
    exact = [[repr(node.data), repr(every.adjoints[node])] for node in every.labels]
    assert look(page)["exact"] == exact


def test_the_equations_are_those_of_the_step(page: Any) -> None:
    press(page, Keys.END)
    name = f"\u2068{NAME}\u2069"
    assert look(page)["equations"] == [
        f"∂o∂{name}+=∂o∂v2·∂v2∂{name}",
        "≈1.573·2≈3.146",
        f"∂v2∂{name}=x=2",
        f"∂o∂{name}≈0+3.146≈3.146",
    ]


def test_the_active_boxes_and_arrows_are_lit(page: Any) -> None:
    assert look(page)["lit"] == []
    press(page, Keys.ARROW_RIGHT)
    assert sorted(look(page)["lit"]) == ["o2", "o2-v2", "v0", "v0-o2-0", "v1", "v1-o2-1", "v2"]
    press(page, Keys.END)
    assert sorted(look(page)["lit"]) == ["o2", "o2-v2", "v1", "v1-o2-1", "v2"]
    widths = page.execute_script(
        "const shapes = ['v1', 'v2', 'v0'].map((id) => document.querySelector(`#${id} .step-shape`));"
        "return shapes.map((shape) => getComputedStyle(shape).strokeWidth)"
    )
    assert widths == ["4px", "2.4px", "1px"]  # no colour alone
    head = "const s = getComputedStyle(document.querySelector('#v1-o2-1 polygon')); return [s.fill, s.stroke]"
    assert len(set(page.execute_script(head))) == 1  # the head of the arrow is lit whole


def test_the_keyboard_goes_everywhere(page: Any, every: Steps) -> None:
    last = len(every)
    ways = [
        (Keys.ARROW_RIGHT, 2), (Keys.ARROW_RIGHT, 3), (Keys.ARROW_LEFT, 2), (Keys.END, last), (Keys.ARROW_RIGHT, last),
        (Keys.HOME, 1), (Keys.ARROW_LEFT, 1), (Keys.PAGE_DOWN, 2), (Keys.PAGE_UP, 1),
    ]  # fmt: skip
    for key, expected in ways:
        press(page, key)
        assert place(page) == expected
    assert page.execute_script("return scrollY") == 0  # the page itself stays where it is
    order = []
    for _ in range(12):
        press(page, Keys.TAB)
        order.append(page.switch_to.active_element.get_attribute("id"))
    order = [id for id in order if id != "equations"]  # where they are wider than their place
    assert order[:9] == ["graph", "so-far", "first", "previous", "play", "next", "last", "slider", "speed"]
    page.find_element(By.ID, "next").send_keys(Keys.ENTER)
    assert place(page) == 2
    page.find_element(By.ID, "slider").send_keys(Keys.ARROW_RIGHT)
    assert place(page) == 3


def test_it_plays_to_the_end_and_pauses(page: Any, every: Steps) -> None:
    def label() -> str:
        return str(page.find_element(By.ID, "play").get_attribute("aria-label"))

    Select(page.find_element(By.ID, "speed")).select_by_value("4")
    page.execute_script("document.activeElement.blur()")
    assert label() == "Play"
    press(page, Keys.SPACE)
    assert label() == "Pause"
    WebDriverWait(page, 10).until(lambda page: place(page) > 2)
    press(page, Keys.SPACE)
    assert label() == "Play"
    page.get(page.current_url.split("#")[0] + f"#step-{len(every) - 1}")
    assert place(page) == len(every) - 1
    assert page.execute_script("return scrollY") == 0
    page.find_element(By.ID, "play").click()
    WebDriverWait(page, 10).until(lambda page: place(page) == len(every))
    assert label() == "Play"


def test_the_slider_and_the_list_of_all_steps_go_to_a_step(page: Any, every: Steps) -> None:
    page.execute_script("slider.value = 4; slider.dispatchEvent(new Event('input'))")
    assert place(page) == 4
    items = page.find_elements(By.CSS_SELECTOR, "#all li")
    assert [item.text for item in items] == [" ".join(str(step).split()) for step in every]
    items[5].find_element(By.TAG_NAME, "a").click()
    assert place(page) == 6


def test_every_control_has_a_name_and_the_step_is_announced(page: Any) -> None:
    controls = page.find_elements(By.CSS_SELECTOR, "button, input, select, section")
    assert len(controls) == 11
    assert all(control.accessible_name for control in controls)
    assert page.find_element(By.ID, "words").get_attribute("aria-live") == "polite"
    assert page.find_element(By.ID, "slider").get_attribute("aria-valuetext").startswith("step 1 of ")
    assert page.find_element(By.CSS_SELECTOR, "#graph > svg").accessible_name.startswith("Backpropagation from o")
    assert page.execute_script("return document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_at_both_sizes_are_legible(page: Any, theme: str, width: int) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        press(page, Keys.END)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        for selector in ("#words", "#where", "#equations span", "tbody td", "tbody tr.is-now th", "thead th", "#all p"):
            colors = page.execute_script(CONTRAST, selector)
            assert colors >= 4.5, selector
        is_dark = page.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert is_dark == (theme == "dark")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_nothing_covers_the_controls_and_no_equation_is_scrolled_up_and_down(page: Any, every: Steps) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    heights = "const e = document.getElementById('equations'); return [e.scrollHeight, e.clientHeight]"
    for _ in every:
        scrolled, shown_of_it = page.execute_script(heights)
        assert scrolled <= shown_of_it
        press(page, Keys.ARROW_RIGHT)
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert page.execute_script(COVERED) == []
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_what_is_far_away_is_seen_at_once(browser: Any, tmp_path: Path) -> None:
    y = x = Value(0.3, name="x")
    for _ in range(150):
        y = ag.atan2(y, x)
    address = steps(y).save(tmp_path / "far.html").as_uri()
    browser.get(f"{address}#step-75")
    WebDriverWait(browser, 10).until(lambda page: page.execute_script(IS_LIVE, f"{address}#step-75"))
    away = browser.execute_script("""
        const [pane, box] = ["graph", "v74"].map((id) => document.getElementById(id).getBoundingClientRect());
        return box.bottom < pane.top || box.top > pane.bottom || box.right < pane.left || box.left > pane.right;
    """)
    assert not away


IS_LIVE = "return location.href === arguments[0] && document.body.classList.contains('is-live')"
COVERED = """
    const found = [];
    for (let y = 0; y < 400; y += 4) {
      scrollTo({ top: y, behavior: "instant" });
      for (const one of document.querySelectorAll("#controls button, #slider")) {
        const { left, top, width, height } = one.getBoundingClientRect();
        const seen = document.elementFromPoint(left + width / 2, top + height / 2);
        if (!one.contains(seen)) found.push([y, one.id, seen?.id || seen?.tagName]);
      }
    }
    return found;
"""


CONTRAST = """
    const luminance = (color) => {
      const parts = color.match(/[\\d.]+/g).map((c) => c / 255);
      const [r, g, b] = parts.map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const one = document.querySelector(arguments[0]);
    let behind = one;
    while (/, 0\\)$|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const [a, b] = [getComputedStyle(one).color, getComputedStyle(behind).backgroundColor].map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
"""


def test_nothing_is_reported_and_no_request_leaves_the_page(page: Any, every: Steps) -> None:
    for _ in every:
        press(page, Keys.ARROW_RIGHT)
    assert page.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    requests = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in requests if not url.startswith("data:")] == [page.current_url]
    refused = page.execute_async_script(
        "const done = arguments[0]; fetch('https://example.com').then(() => done('sent'), () => done('refused'))"
    )
    assert refused == "refused"
    assert page.execute_script("return document.querySelectorAll('script, b, img').length") == 2


def test_a_notebooks_frame_works_too(browser: Any, every: Steps, tmp_path: Path) -> None:
    file = tmp_path / "notebook.html"
    file.write_text(f"<!DOCTYPE html>{every._repr_mimebundle_()['text/html']}", encoding="utf-8")
    browser.get(file.as_uri())
    browser.switch_to.frame(0)
    WebDriverWait(browser, 10).until(lambda page: page.find_elements(By.CSS_SELECTOR, "body.is-live"))
    browser.find_element(By.ID, "last").click()
    assert place(browser) == len(every)
    browser.switch_to.default_content()
