"""The report: pages that stand alone, written whole or not at all, checked with the program."""

import dataclasses
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stabkit import fluxes
from stabkit.claims.claim import registry, select
from stabkit.claims.verify import verify
from stabkit.cli import main
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.notation import to_latex
from stabkit.replay.unpacking import unpack
from stabkit.report import benchmarks, command, figures, latex
from stabkit.report.contents import contents
from stabkit.report.explain import explain
from stabkit.report.findings import FINDINGS
from stabkit.report.sketch import before_and_after, sketch
from stabkit.report.verdict_file import as_text, document

LEDGER = registry(["alt2020", "alt2021"])
CHOSEN = ("alt2021.gradient_flow*", "alt2021.fsi_formula*", "alt2020.range_stability*",
          "alt2021.fourth_order_diffusion_keeps_the_range", "alt2020.dictionary_row_constant")
QUICK = tuple(picture for picture in figures.PICTURES
              if picture.name in ("growing_cycle", "drifting_orbits"))


@pytest.fixture(scope="module")
def verdicts():
    claims = select(LEDGER, CHOSEN)
    made = verify(claims, budget=1.0)
    return document((verdict.to_json() for verdict in made), seed=0, budget=1.0)


@pytest.fixture(scope="module")
def files(verdicts):
    return command.compose(verdicts, LEDGER, pictures=QUICK)


@pytest.fixture
def folder(tmp_path, files):
    command.write(tmp_path / "reports", files)
    return tmp_path / "reports"


class Page(HTMLParser):
    """What a page points to, what it is made of, and whether its elements are closed."""

    VOID = frozenset({"meta", "input", "br", "wbr", "path", "use", "line", "circle", "polyline"})

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.open, self.outside = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name in ("href", "src", "xlink:href"):
            if name in attributes:
                link = attributes[name]
                (self.links if link.startswith("#") else self.outside).append(link)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.slow
def test_the_page_needs_nothing_else(files):
    page = Page(files["index.html"])
    assert page.outside == [] and page.open == []
    assert not re.search(r"@import|url\((?!#)", files["index.html"])


@pytest.mark.slow
def test_every_link_of_the_page_has_its_target(files):
    page = Page(files["index.html"])
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


@pytest.mark.slow
def test_the_page_says_what_was_found(files, verdicts):
    page = files["index.html"]
    for verdict in verdicts["verdicts"]:
        assert f'id="{verdict["claim"]}"' in page
    assert "as printed" in page and "corrected" in page
    assert "prefers-color-scheme: dark" in page and "@media print" in page


def test_a_printed_statement_stands_beside_its_correction(verdicts):
    groups = [[entry.name for entry in group]
              for paper in contents(verdicts, LEDGER).papers for group in paper.groups]
    assert ["alt2021.fsi_formula", "alt2021.fsi_formula_corrected"] in groups


def test_no_headline_says_of_a_derived_statement_that_it_is_printed(verdicts):
    """What a finding or the README calls stated, printed or read literally stands in the source."""
    ledger = registry()
    for finding in FINDINGS:
        if re.search("printed|as stated|literally|advice", f"{finding.title} {finding.text}", re.I):
            assert all(ledger[claim].reading == "printed" for claim, status
                       in finding.rests_on.items() if status == "refuted"), finding.title
    told = contents(verdicts, LEDGER)
    derived = [entry for entry in told.entries if entry.claim.location.startswith("derived")]
    assert derived and all(entry.kind in ("derived", "corrected") for entry in derived)
    there = [entry for entry in told.entries if entry.claim.reading == "printed"]
    assert f"{len(there)} as printed or documented and" in told.headline
    source = explain(derived[0].claim, derived[0].verdict).splitlines()[2]
    assert "printed" not in source and "as corrected" not in source


def test_a_finding_is_told_only_while_its_verdicts_stand(verdicts):
    told = contents(verdicts, LEDGER).findings
    statuses = {verdict["claim"]: verdict["status"] for verdict in verdicts["verdicts"]}
    for finding in FINDINGS:
        stands = all(statuses.get(claim) == status for claim, status in finding.rests_on.items())
        assert (finding in told) is stands


@pytest.mark.slow
def test_an_unexpected_verdict_is_shown(verdicts):
    changed = unpack(json.loads(as_text(verdicts)))
    changed["verdicts"][0] |= {"expected": "supported", "as_expected": False}
    text = command.compose(changed, LEDGER, pictures=())["index.html"]
    assert "(expected: supported)" in text and "1 of the verdicts is not what was expected" in text


def test_markdown_has_every_statement_and_its_evidence(files, verdicts):
    for verdict in verdicts["verdicts"]:
        text = files[f"{verdict['claim'].partition('.')[0]}.md"]
        assert f"`{verdict['claim']}`" in text
    assert "```text" in files["alt2021.md"]


def test_latex_is_balanced_and_ascii(files):
    for name, text in files.items():
        if name.endswith(".tex"):
            assert text.isascii()
            assert text.count("$") % 2 == 0
            assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


#: What LaTeX itself knows, and what the packages named in the tables' first line add.
COMMANDS = {
    "LaTeX": """\\ { } % & # _ $ ^ ~ | par begin end hline caption linewidth texttt mathrm mathcal
        sqrt dots textbackslash begingroup endgroup footnotesize emergencystretch raggedright dot
        ddot hat tilde bar le ge ne cdot times pm to gets Rightarrow mapsto infty in odot otimes
        nabla partial sum int circ approx subset cup top langle rangle lceil lfloor rceil rfloor
        arctan cos det dim exp ker ln log max min sin sup tan tanh alpha beta
        gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi
        omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega""",
    "amsmath": "operatorname tfrac", "amssymb": "mathbb", "array": "arraybackslash",
    "booktabs": "toprule midrule bottomrule", "longtable": "endfirsthead endhead endfoot"}


def test_latex_needs_no_more_than_its_first_line_says():
    """Every command of every table of the whole ledger is LaTeX's own or of a named package."""
    texts = [f"{to_latex(claim.location)} {to_latex(claim.statement)}"
             for claim in registry().values()]
    tables = [latex._NEEDS + latex._COLUMNS + " ".join(texts)]
    for table in tables:
        needs = re.match(r"% \\usepackage\{([^}]*)\}\n", table)[1].split(",")
        known = " ".join(COMMANDS[name] for name in ["LaTeX", *needs]).split()
        used = set(re.findall(r"\\([A-Za-z]+|.)", table.partition("\n")[2]))
        assert used <= {*known, " "}, used - set(known)
        assert table.isascii()
        # A second script on the same letter is an error of LaTeX.
        assert not re.search(r"_\{[^{}]*\}_|\^\{[^{}]*\}\^", table)


@pytest.mark.slow
def test_the_tables_are_typeset(tmp_path, files):
    pdflatex = shutil.which("pdflatex")
    if pdflatex is None or subprocess.run(["kpsewhich", "longtable.sty"], capture_output=True,
                                          check=False).returncode:
        pytest.skip("needs pdflatex with longtable")
    names = [name for name in files if name.endswith(".tex")]
    for name in names:
        (tmp_path / Path(name).name).write_text(files[name], "ascii")
    packages = re.match(r"% (.*)", files[names[0]])[1]
    inputs = "".join(f"\\input{{{Path(name).name}}}\n" for name in names)
    (tmp_path / "paper.tex").write_text(
        f"\\documentclass{{article}}\n{packages}\n\\begin{{document}}\n{inputs}\\end{{document}}\n")
    done = subprocess.run([pdflatex, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
                          cwd=tmp_path, capture_output=True, text=True, errors="replace",
                          check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-800:]


@pytest.mark.slow
def test_pictures_are_svg_and_png_and_the_same_on_every_run(verdicts, files):
    again = command.compose(verdicts, LEDGER, pictures=QUICK)
    assert again == files
    for name, content in files.items():
        if name.endswith(".svg"):
            ElementTree.fromstring(content)
        if name.endswith(".png"):
            assert content.startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_written_report_is_what_the_program_says(folder, verdicts):
    assert command.differences(folder, verdicts["verdicts"], LEDGER) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["index.html", "README.md", "alt2021.md", "tables/summary.tex"])
def test_an_edited_text_is_noticed(folder, verdicts, name):
    path = folder / name
    path.write_text(path.read_text("utf-8").replace("proved", "refuted", 1), "utf-8")
    assert any(line.startswith(name) for line in
               command.differences(folder, verdicts["verdicts"], LEDGER))


@pytest.mark.slow
def test_a_changed_verdict_and_a_missing_file_are_noticed(folder, verdicts):
    new = [dict(verdict) for verdict in verdicts["verdicts"]]
    new[0]["status"] = "undecided"
    (folder / "figures/growing_cycle.png").unlink()
    (folder / "alt2020.md").unlink()
    found = "\n".join(command.differences(folder, new, LEDGER))
    assert "status was" in found and "growing_cycle.png: is missing" in found
    assert "alt2020.md: is missing" in found


def test_another_machine_does_not_count_as_a_difference(folder, verdicts):
    new = [{**verdict, "trials": verdict["trials"] + 1} for verdict in verdicts["verdicts"]]
    assert command.differences(folder, new, LEDGER) == []


def test_a_new_report_replaces_an_old_one_whole(folder, files):
    (folder / "old.md").write_text("of an earlier paper")
    command.write(folder, files)
    assert not (folder / "old.md").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["reports"]


@pytest.mark.parametrize("stranger", ["thesis.docx", "index.html"])
def test_a_folder_with_other_files_is_left_alone(tmp_path, files, stranger):
    (tmp_path / stranger).write_text("mine")
    with pytest.raises(InvalidArgument, match="other files"):
        command.write(tmp_path, files)
    assert (tmp_path / stranger).read_text() == "mine"


def test_a_stranger_in_a_report_is_left_alone(folder, files):
    (folder / "thesis.docx").write_text("mine")
    with pytest.raises(InvalidArgument, match=r"thesis\.docx"):
        command.write(folder, files)
    assert (folder / "thesis.docx").exists()


def test_a_broken_off_report_leaves_the_old_one(folder, files):
    before = (folder / "index.html").read_text("utf-8")
    with pytest.raises(AttributeError):
        command.write(folder, {**files, "last.md": None})
    assert (folder / "index.html").read_text("utf-8") == before
    assert [path.name for path in folder.parent.iterdir()] == ["reports"]


@pytest.mark.slow
def test_the_command_writes_and_checks(tmp_path, verdicts, monkeypatch, capsys):
    monkeypatch.setattr(figures, "PICTURES", QUICK)
    monkeypatch.setattr(command, "PICTURES", QUICK)
    source, folder = tmp_path / "v.json", tmp_path / "reports"
    source.write_text(as_text(verdicts), "utf-8")
    arguments = ["report", "--output", str(folder), "--json", str(source)]
    written = command.compose(verdicts, LEDGER, pictures=QUICK)
    monkeypatch.setattr(command, "compose", lambda *_, **__: written)
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    assert "is what the program says" in capsys.readouterr().out
    (folder / "README.md").write_text("nothing")
    assert main([*arguments, "--check"]) == 1


@pytest.mark.slow
def test_speeds_that_were_told_are_told_again(tmp_path, verdicts, monkeypatch):
    """A report that is written anew without --benchmarks keeps the speeds of the one before."""
    monkeypatch.setattr(command, "compose", partial(command.compose, pictures=()))
    (source := tmp_path / "v.json").write_text(as_text(verdicts), "utf-8")
    (measured := tmp_path / "b.json").write_text(json.dumps(MEASURED), "utf-8")
    arguments = ["report", "--output", str(tmp_path / "reports"), "--json", str(source)]
    assert main([*arguments, "--benchmarks", str(measured)]) == 0
    before = (tmp_path / "reports/benchmarks.json").read_text("utf-8")
    assert main(arguments) == 0
    assert (tmp_path / "reports/benchmarks.json").read_text("utf-8") == before


def test_the_command_says_what_is_wrong_with_its_input(tmp_path, capsys):
    damaged = tmp_path / "v.json"
    damaged.write_text("{}")
    assert main(["report", "--check", "--output", str(tmp_path / "none")]) == 2
    assert main(["report", "--json", str(damaged), "--output", str(tmp_path / "new")]) == 2
    assert main(["report", "--output", str(tmp_path)]) == 2
    errors = capsys.readouterr().err
    assert errors.count("stabkit: error:") == 3 and "other files" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["v.json"]


def test_a_verdict_without_a_claim_is_refused(verdicts):
    changed = unpack(json.loads(as_text(verdicts)))
    changed["verdicts"][0]["claim"] = "alt2021.unheard_of"
    with pytest.raises(InvalidEvidence, match="unheard_of"):
        contents(changed, LEDGER)


# -- speeds ----------------------------------------------------------------------------------------
MEASURED = {"environment": {"processor": "a quiet one"}, "results": [
    {"job": "explicit steps", "rows": {
        "stabkit": {"ratio": 1.0, "spread": 0.01, "goal": None},
        "numpy": {"ratio": 4.25, "spread": 0.05, "goal": 4.0},
        "<other>": {"ratio": 0.5, "spread": 0.1, "goal": 2}}}]}


@pytest.mark.slow
def test_speeds_are_told_and_checked(tmp_path, verdicts):
    source = tmp_path / "measured.json"
    source.write_text(json.dumps(MEASURED), "utf-8")
    made = command.compose(verdicts, LEDGER, pictures=(), benchmarks=benchmarks.read(source))
    assert "4.25" in made["index.html"] and "&lt;other&gt;" in made["index.html"]
    assert "0.5 (missed)" in made["index.html"] and "| numpy | 4.25 | 4 | 5% |" in made["README.md"]
    command.write(tmp_path / "reports", made)
    assert command.differences(tmp_path / "reports", verdicts["verdicts"], LEDGER) == []
    (tmp_path / "reports/benchmarks.json").write_text(source.read_text().replace("4.25", "9.25"))
    assert command.differences(tmp_path / "reports", verdicts["verdicts"], LEDGER) != []


@pytest.mark.parametrize("text, said", [
    ("nothing", "is not JSON"), ("{}", "is not what"), ("[]", "is not what"),
    (json.dumps(MEASURED).replace("4.25", "NaN"), "nan"),
])
def test_a_file_without_speeds_is_refused(tmp_path, text, said):
    (tmp_path / "measured.json").write_text(text)
    with pytest.raises(InvalidEvidence, match=said):
        benchmarks.read(tmp_path / "measured.json")
    with pytest.raises(InvalidArgument, match="cannot read"):
        benchmarks.read(tmp_path / "none.json")


# -- pictures --------------------------------------------------------------------------------------
def test_pictures_belong_to_claims_of_the_ledger():
    ledger = registry()
    papers = {name.partition(".")[0] for name in ledger}
    named = {claim for picture in figures.PICTURES for claim in picture.claims} | {
        claim for finding in FINDINGS for claim in finding.rests_on}
    assert [name for name in named if name.partition(".")[0] in papers and name not in ledger] == []
    assert len({picture.name for picture in figures.PICTURES}) == len(figures.PICTURES)


@pytest.mark.slow
def test_an_inline_drawing_takes_the_colour_of_the_page():
    text = figures.svg(figures.growing_cycle(), "growing_cycle")
    inline = figures.inline_svg(text)
    assert "currentColor" in inline and "#1b1f24" in text and "#1b1f24" not in inline
    assert "<?xml" not in inline and not re.search(r' id="[a-z]+_\d+"', inline)


def test_the_growing_cycle_grows():
    inner = figures.cycles._inner(figures.cycles.FSI(
        figures.cycles.ONE_SAMPLE, fluxes.garrote(), 2, 4), "7/4")
    assert len(inner) == 5 and abs(inner[-1]) > 7 / 4


def test_a_witness_is_drawn_as_it_is_decided(verdicts):
    item = next(verdict for verdict in verdicts["verdicts"]
                if verdict["claim"] == "alt2020.range_stability_of_blocks")["evidence"][0]
    before, after = before_and_after(item)
    assert before == [0.0, 1.0] and (min(after) < 0 or max(after) > 1)
    ElementTree.fromstring(sketch(item))
    assert sketch({**item, "kind": "certificate"}) == ""


# -- in a notebook ---------------------------------------------------------------------------------
def test_claims_and_verdicts_show_themselves(verdicts):
    claim = LEDGER["alt2021.fsi_formula"]
    assert claim.name in claim._repr_html_() and "<i>K</i>" in claim._repr_html_()
    verdict, = verify([claim], budget=1.0)
    assert "refuted" in verdict._repr_html_()
    bare = dataclasses.replace(verdict, evidence=(), tightness=1.5, as_expected=False)
    assert "1.500000 × the bound" in bare._repr_html_() and "<pre>" not in bare._repr_html_()
    Page(verdict._repr_html_())
    Page(claim._repr_html_())
