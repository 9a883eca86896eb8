"""The report's page as a browser shows it: Debian's Chromium, asked by Playwright, and axe-core."""

import shutil

import pytest

from stabkit.claims.claim import registry, select
from stabkit.claims.verify import verify
from stabkit.report import command, figures
from stabkit.report.verdict_file import document

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright",
                          reason="axe-core is not installed")
pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

LEDGER = registry(["alt2020", "alt2021"])
CHOSEN = ("alt2021.gradient_flow*", "alt2021.fsi_formula*", "alt2020.range_stability*",
          "alt2020.sign_stability_of_blocks*",
          "alt2021.explicit_step_is_a_residual_block")
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    made = verify(select(LEDGER, CHOSEN), budget=1.0)
    found = document((verdict.to_json() for verdict in made), seed=0, budget=1.0)
    pictures = tuple(each for each in figures.PICTURES if each.name == "growing_cycle")
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(command.compose(found, LEDGER, pictures=pictures)["index.html"], "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as found:
        browser = found.chromium.launch(executable_path=CHROMIUM,
                                        args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport=DESKTOP, reduced_motion="reduce")
    faults = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    yield page
    page.close()
    assert faults == []


def top(page, selector):
    return page.evaluate("name => document.querySelector(name).getBoundingClientRect().top",
                         selector)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(page, address, size, colours):
    """No finding of axe-core that it calls serious or critical, with every statement open."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=colours)
    page.goto(address)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found
            if each["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_search_is_on_the_first_screen(page, address):
    page.goto(address)
    assert top(page, "#words") < 300 and top(page, "#foremost") < 400


def test_a_link_opens_its_statement_below_the_search(page, address):
    page.goto(address)
    assert not page.is_visible("text=alt2020.range_stability_of_blocks_corrected")
    page.goto(f"{address}#alt2020.range_stability_of_blocks_corrected")
    page.wait_for_selector("details.group[open]")
    page.wait_for_timeout(100)
    bar = page.evaluate("document.querySelector('.tools').getBoundingClientRect().bottom")
    assert bar <= top(page, "details.group[open]") < 200
    assert page.is_visible("text=alt2020.range_stability_of_blocks_corrected")


def test_words_and_choices_leave_what_matches(page, address):
    page.goto(address)
    page.fill("#words", "explicit_step_is_a_residual_block")
    page.select_option("#scope", "all")
    assert page.inner_text("#found").startswith("1 of ")
    assert page.locator("details.group:visible").count() == 1
    page.fill("#words", "no such statement")
    assert page.inner_text("#found").startswith("0 of ")
    page.evaluate("location.hash = '#alt2020.range_stability_of_blocks'")
    page.wait_for_selector("details.group[open]")  # a link goes before a search
    assert page.input_value("#words") == ""


def test_tiles_are_reached_by_keys_and_named(page, address):
    page.goto(address)
    page.focus(".tiles a[tabindex='-1'] >> nth=0 >> xpath=preceding-sibling::a[1]")
    page.keyboard.press("ArrowRight")
    name = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert name.partition(": ")[2] in ("proved", "refuted")
    page.keyboard.press("Enter")
    page.wait_for_selector("details.group[open]")


def test_a_print_says_what_it_leaves_out(page, address):
    page.goto(f"{address}#alt2020.range_stability_of_blocks")
    page.wait_for_selector("details.group[open]")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.is_visible(".print-note") and "1 open" in page.inner_text(".print-note")
    assert page.is_visible("details.group[open] pre >> nth=0")
