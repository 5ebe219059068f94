"""A wrong configuration ends in sentences that name every mistake, and never a secret."""

from pathlib import Path

import pytest

from proxy.config.load import TOKEN_ENV, ConfigError, load

PRICE = '[[prices]]\nmodel = "m"\n'


def mistakes(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **flags: object) -> list[str]:
    """The lines of the error that this file gives."""
    (tmp_path / "tollbook.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(environ={"HOME": "/h"} | (environ or {}), cwd=tmp_path, **flags)  # type: ignore[arg-type]
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.mistakes)
    return lines


@pytest.mark.parametrize(
    ("text", "key", "advice"),
    [
        ("[proxy]\nlistn = 1", "proxy.listn = 1", 'did you mean "listen"?'),
        ("[prox]\nlisten = 1", "prox = {...}", 'did you mean "proxy"?'),
        ("[proxy]\nbodies = 1", "proxy.bodies = 1", "it belongs in [capture]"),
        ("[credits]\nzzzzz = 1", "credits.zzzzz = 1", "known here: per_usd"),
        ("proxy = 3", "proxy = 3", "must be a table, written [proxy]"),
        ("upstreams = 3", "upstreams = 3", "[upstreams.NAME]"),
        ('[upstreams]\nbase_url = "x"', 'upstreams.base_url = "x"', "[upstreams.NAME]"),
        ("[prices]\ninput = 1", "prices = {...}", "must be written [[prices]]"),
        ("[proxy]\nlisten = 8787", "proxy.listen = 8787", '"HOST:PORT"'),
        ('[proxy]\nlisten = "8787"', 'proxy.listen = "8787"', '"HOST:PORT"'),
        ('[proxy]\nlisten = ":8787"', 'proxy.listen = ":8787"', '"HOST:PORT"'),
        ('[proxy]\nlisten = "::1:8787"', 'proxy.listen = "::1:8787"', '"[::1]:8787"'),
        ('[proxy]\nlisten = "127.0.0.1:70000"', 'proxy.listen = "127.0.0.1:70000"', "65535"),
        ('[proxy]\nlisten = "300.0.0.1:80"', 'proxy.listen = "300.0.0.1:80"', "no valid host"),
        ('[proxy]\nworkers = "2"', 'proxy.workers = "2"', "a whole number from 1 to 256"),
        ("[proxy]\nworkers = true", "proxy.workers = true", "a whole number from 1 to 256"),
        ("[proxy]\nworkers = 0", "proxy.workers = 0", "a whole number from 1 to 256"),
        ("[proxy]\nwrite_timeout_s = nan", "proxy.write_timeout_s = NaN", "a number of seconds"),
        ("[proxy]\nmax_connections = 0", "proxy.max_connections = 0", "a whole number from 1 to"),
        ("[proxy]\nidle_timeout_s = 0", "proxy.idle_timeout_s = 0", "a number of seconds from 0.001 to"),
        ("[proxy]\nheader_timeout_s = 1e9", "proxy.header_timeout_s = 1E+9", "to 86400"),
        ("[proxy]\nmax_header_bytes = 5", "proxy.max_header_bytes = 5", "a whole number from 1024 to"),
        ("[proxy]\nmax_headers = 1.5", "proxy.max_headers = 1.5", "a whole number from 1 to"),
        ("[proxy]\nmax_body_bytes = 0", "proxy.max_body_bytes = 0", "a whole number from 1 to"),
        ('[proxy]\nmax_body_bytes = "1GB"', 'proxy.max_body_bytes = "1GB"', "a whole number from 1 to"),
        ("[proxy]\nmin_body_bytes_per_s = -1", "proxy.min_body_bytes_per_s = -1", "a whole number from 0 to"),
        ('[proxy]\non_client_gone = "stop"', 'proxy.on_client_gone = "stop"', '"cancel" or "finish"'),
        ('[dashboard]\nallowed_hosts = "x"', 'dashboard.allowed_hosts = "x"', "a list of host names"),
        ('[dashboard]\nallowed_hosts = ["http://x"]', "dashboard.allowed_hosts = [...]", "without scheme"),
        ('[store]\ndata_dir = ""', 'store.data_dir = ""', "not empty"),
        ("[capture]\nmax_bytes = 1.5", "capture.max_bytes = 1.5", "a whole number"),
        ("[credits]\nper_usd = 0", "credits.per_usd = 0", "more than 0"),
        ('[credits]\ntz = "Berlin"', 'credits.tz = "Berlin"', '"Europe/Berlin"'),
        ("[credits]\ntz = 1", "credits.tz = 1", '"Europe/Berlin"'),
        ('[proxy]\naccess = "closed"', 'proxy.access = "closed"', '"open" or "keys"'),
        ('[upstreams.openai]\naccess = ""', 'upstreams.openai.access = ""', '"open" or "keys"'),
        ('[groups.a]\nbudget = "5/day"', 'groups.a.budget = "5/day"', '["50000/month"]'),
        ("[groups.a]\nbudget = [5]", "groups.a.budget = [...]", '["50000/month"]'),
        ('[groups.a]\nbudget = ["5/year"]', "groups.a.budget = [...]", "total, day, week or month"),
        ('[groups.a]\nbudget = ["-5/day"]', "groups.a.budget = [...]", "CREDITS/PERIOD"),
        ('[groups.a]\nbudget = ["0"]', "groups.a.budget = [...]", "more than 0"),
        ('[groups.a]\nbudget = ["5/day", "6/day"]', "groups.a.budget = [...]", "twice"),
        ('[groups.a]\nunpriced = "deny"', 'groups.a.unpriced = "deny"', '"allow" or "refuse"'),
        ("[groups.a]\nratio = -0.5", "groups.a.ratio = -0.5", "must not be negative"),
        ('[groups."a b"]', 'groups."a b"', "1 to 64 letters"),
        (f"[groups.{'a' * 65}]", f"groups.{'a' * 65}", "1 to 64 letters"),
        ('[upstreams."a/b"]\nbase_url = "http://a"', 'upstreams."a/b"', "1 to 64 letters"),
        ('[upstreams.healthz]\nbase_url = "http://a"', "upstreams.healthz", "reserved"),
        ('[upstreams.api]\nbase_url = "http://a"', "upstreams.api", "reserved"),
        ('[upstreams.".."]\nbase_url = "http://a"', 'upstreams.".."', "reserved"),
        ("[upstreams.opnai]", "upstreams.opnai.base_url", 'did you mean "openai"?'),
        ('[upstreams.a]\nbase_url = "http://a"\ndialect = "bedrok"', 'upstreams.a.dialect = "bedrok"', '"generic"'),
        ('[upstreams.anthropic]\nstream_usage = "ask"', 'upstreams.anthropic.stream_usage = "ask"', '"leave"'),
        ("[upstreams.groq]\nmax_concurrent = 0", "upstreams.groq.max_concurrent = 0", "a whole number from 1 to"),
        (PRICE + "input = -2.5", "prices#1.input = -2.5", "must not be negative"),
        (PRICE + 'input = "2.5"', 'prices#1.input = "2.5"', "must be a number"),
        (PRICE + "input = inf", "prices#1.input = Infinity", "must be a number"),
        (PRICE + "input = 1e-13", "prices#1.input = 1E-13", "12 decimals"),
        (PRICE + 'from = "2026-01-01"\ninput = 1', 'prices#1.from = "2026-01-01"', "2026-01-31"),
        (PRICE + "from = 2026-01-01T00:00:00Z\ninput = 1", "prices#1.from = 2026-01-01T00:00:00+00:00", "2026-01-31"),
        (PRICE, "prices#1", "gives no rate"),
        (PRICE + "free = true\ninput = 1", "prices#1.free = true", "no rates"),
        ("[[prices]]\ninput = 1", "prices#1.model", "is required"),
        (PRICE + "above = 0\ninput = 1", "prices#1.above = 0", "1"),
        (PRICE + "above = 9\ninput = 1\npage = 1", "prices#1.page", "depends on no length"),
        (PRICE + "above = 9\nfree = true", "prices#1.above", "free"),
        (PRICE + "web_search = -1", "prices#1.web_search = -1", "must not be negative"),
        (PRICE + "output_citation = true", "prices#1.output_citation = true", "must be a number"),
        (PRICE + "tier = 5\ninput = 1", "prices#1.tier = 5", "must be"),
        (PRICE + 'tier = "flex"\ninput = 1\n' + PRICE + 'tier = "flex"\ninput = 2', "prices#2", "prices#1"),
        (PRICE + 'upstream = "opnai"\ninput = 1', 'prices#1.upstream = "opnai"', 'did you mean "openai"?'),
        (PRICE + "input = 1\n" + PRICE + "input = 2", "prices#2", "prices#1"),
    ],
)
def test_mistake_names_its_key_its_value_and_what_is_right(tmp_path: Path, text: str, key: str, advice: str) -> None:
    """One wrong thing gives one line, which begins with its key and value and says what would be right."""
    (line,) = mistakes(tmp_path, text)
    assert line.startswith(f"{key}: ")
    assert advice in line


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("api.example.com", "http://"),
        ("ftp://example.com", "http://"),
        ("https://", "host"),
        ("https://:443", "host"),
        ("https://example.com:99999", "port"),
        ("https://example.com:0", "port"),
        ("https://example.com:", "port"),
        ("https://exa mple.com", "must be a URL"),
        ("https://-example.com", "host"),
        ("https://1.2.3", "host"),
        (f"https://{'a' * 64}.example.com", "host"),
        ("https://[::1", "host"),
        ("https://user:hunter2@example.com", "user name"),
        ("https://example.com/v1?key=hunter2", "query"),
        ("https://example.com/#", "fragment"),
        ("https://example.com/a/../b", "path"),
    ],
)
def test_bad_base_url_is_refused(tmp_path: Path, url: str, advice: str) -> None:
    """A base_url is an http or https URL of a host, without user, query or fragment; secrets in it are not shown."""
    (line,) = mistakes(tmp_path, f'[upstreams.a]\nbase_url = "{url}"')
    assert line.startswith("upstreams.a.base_url")
    assert advice in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ('keep_bodies = "90"', "days or hours"),
        ("keep_bodies = 90", "days or hours"),
        ('keep_bodies = "0h"', 'from "1h" on'),
        ('keep_calls = "31d"', 'from "32d" on'),
        ('keep_calls = "-90d"', "forever"),
        ('max_bodies = "10"', "a size such as"),
        ('max_bodies = "1MB"', 'from "16MB" on'),
        ("max_bodies = 10", "unlimited"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path: Path, line: str, advice: str) -> None:
    """An age or a size that cannot be meant is refused, with what would be right: nothing is pruned by a slip."""
    (mistake,) = mistakes(tmp_path, f"[store]\n{line}")
    assert mistake.startswith(f"store.{line.split()[0]}")
    assert advice in mistake


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[groups.a]\ncalls_per_minute = 60", "groups.a.calls_per_minute"),
        ('[store]\nengine = "postgres"', "store.engine"),
    ],
)
def test_what_a_later_version_brings_is_refused(tmp_path: Path, text: str, key: str) -> None:
    """A key that promises what this version does not do is refused, because ignoring it would be worse."""
    (line,) = mistakes(tmp_path, text)
    assert line.startswith(key)
    assert "is not supported by this version" in line


def test_every_mistake_is_listed_at_once(tmp_path: Path) -> None:
    """Mistakes of all kinds come together: keys, values, environment, flags and contradictions."""
    lines = mistakes(
        tmp_path,
        '[proxy]\nlistn = 1\nworkers = 0\n[dashboard]\nlisten = "0.0.0.0:1"\n'
        '[upstreams.openai]\napi_key_env = "MISSING"\n' + PRICE + "input = -1",
        listen="nowhere",
    )
    keys = [line.partition(":")[0].partition(" ")[0] for line in lines]
    assert sorted(keys) == [
        "--listen",
        "dashboard.listen",
        "prices#1.input",
        "proxy.listn",
        "proxy.workers",
        "upstreams.openai.api_key_env",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("[proxy]\nworkers = \n", 2), ("[proxy]\n[proxy]\n", 2), ("a = 1\na = 2\n", 2), ("\n\nx = 1 2\n", 3)],
)
def test_broken_toml_is_one_mistake_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    """A file that is not TOML gives one line, with the file and the line in it."""
    (only,) = mistakes(tmp_path, text)
    assert "tollbook.toml: is not TOML" in only
    assert f"line {line}" in only


@pytest.mark.parametrize("content", [b"# \xff\n", b"a = " + b"9" * 5000, b"a = " + b"[" * 100_000])
def test_strange_files_are_one_mistake(tmp_path: Path, content: bytes) -> None:
    """Bytes, numbers and nesting that cannot be parsed end in a sentence, not a traceback."""
    file = tmp_path / "odd.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file, environ={"HOME": "/h"})
    (only,) = caught.value.mistakes
    assert only.key == str(file)


@pytest.mark.parametrize("path", ["absent.toml", "."])
def test_named_file_must_exist(tmp_path: Path, path: str) -> None:
    """A file that was asked for and is not there is a mistake."""
    with pytest.raises(ConfigError, match="--config"):
        load(Path(path), environ={"HOME": "/h"}, cwd=tmp_path)


@pytest.mark.parametrize(
    "second",
    ["127.0.0.1:9000", "localhost:9000", "[::1]:9000"],
)
def test_two_listeners_need_two_ports(tmp_path: Path, second: str) -> None:
    """Proxy and dashboard on one port are refused."""
    (line,) = mistakes(tmp_path, "", listen="127.0.0.1:9000", dashboard=second)
    assert line.startswith("dashboard.listen")
    assert "same port" in line


def test_the_system_may_choose_both_ports(tmp_path: Path) -> None:
    """Port 0 twice is two ports."""
    config = load(environ={"HOME": "/h"}, cwd=tmp_path, listen="127.0.0.1:0", dashboard="127.0.0.1:0")
    assert config.proxy.listen.port == config.dashboard.listen.port == 0


@pytest.mark.parametrize(
    ("listen", "base_url"),
    [
        ("127.0.0.1:8787", "http://127.0.0.1:8787/openai"),
        ("127.0.0.1:8787", "http://localhost:8787"),
        ("0.0.0.0:8787", "http://127.0.0.1:8787"),
        ("127.0.0.1:8787", "http://127.0.0.1:8788"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("tollbook.lan:8787", "http://tollbook.lan:8787"),
    ],
)
def test_upstream_must_not_be_ourselves(tmp_path: Path, listen: str, base_url: str) -> None:
    """An upstream that points at one of our own listeners is refused."""
    (line,) = mistakes(tmp_path, f'[upstreams.mine]\nbase_url = "{base_url}"', listen=listen)
    assert line.startswith(f'upstreams.mine.base_url = "{base_url}": is Tollbook\'s own address')


@pytest.mark.parametrize("listen", ["0.0.0.0:8788", "10.0.0.1:8788", "[::]:8788", "127.example.com:8788"])
def test_dashboard_beyond_this_machine_needs_a_token(tmp_path: Path, listen: str) -> None:
    """Without a token the dashboard listens on loopback or not at all."""
    (line,) = mistakes(tmp_path, "", dashboard=listen)
    assert TOKEN_ENV in line
    assert load(environ={"HOME": "/h", TOKEN_ENV: "t"}, cwd=tmp_path, dashboard=listen).dashboard.token is not None


@pytest.mark.parametrize("environ", [{}, {"MY_TOKEN": ""}])
def test_token_that_is_named_must_be_there(tmp_path: Path, environ: dict[str, str]) -> None:
    """A token_env that the file names is a mistake when the variable is unset or empty, once, also beyond loopback."""
    text = '[dashboard]\nlisten = "0.0.0.0:8788"\ntoken_env = "MY_TOKEN"'
    (line,) = mistakes(tmp_path, text, environ)
    assert line.startswith("dashboard.token_env")
    assert "MY_TOKEN" in line


@pytest.mark.parametrize("value", ["hunter2 ", "hunter2\n", "hünter2"])
def test_secret_that_no_header_can_carry_is_refused_unseen(tmp_path: Path, value: str) -> None:
    """A credential with spaces, line ends or foreign letters is refused, and not repeated."""
    (line,) = mistakes(tmp_path, '[upstreams.openai]\napi_key_env = "K"', {"K": value})
    assert line.startswith("upstreams.openai.api_key_env")
    assert value.strip() not in line


@pytest.mark.parametrize(
    "text",
    [
        '[upstreams.openai]\napi_key = "{secret}"',
        '[upstreams.openai]\napi_key_env = "{secret}"',
        '[upstreams.openai]\nbase_url = "{secret}"',
        '[upstreams.openai]\nkey = "{secret}"',
        '[upstreams.openai]\nprovider = ["{secret}"]',
        '[dashboard]\ntoken = "{secret}"',
        '[dashboard]\npassword = "{secret}"',
        '[dashboard]\nlisten = "{secret}"',
        'OPENAI = "{secret}"',
        'openai_token = "{secret}"',
    ],
)
@pytest.mark.parametrize("secret", ["sk-proj-abcDEF123", "gsk_abcdefGHIJKL0123456789", "AIzaSyAbcdefghijklmnop0123"])
def test_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path, text: str, secret: str) -> None:
    """A credential written into the file is refused without being shown."""
    lines = mistakes(tmp_path, text.format(secret=secret))
    assert lines
    assert not any(secret in line for line in lines)
