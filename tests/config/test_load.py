"""A right configuration gives the values it says, from file, flags and environment."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.config.budget import Budget
from proxy.config.load import TOKEN_ENV, load
from proxy.config.model import Address, Config, PriceEntry, Secret

Load = Callable[..., Config]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Loads the text of a file, in a folder and an environment of its own."""

    def run(text: str = "", environ: dict[str, str] | None = None, **flags: object) -> Config:
        (tmp_path / "tollbook.toml").write_text(text)
        return load(environ={"HOME": "/home/someone"} | (environ or {}), cwd=tmp_path, **flags)  # type: ignore[arg-type]

    return run


def test_nothing_is_needed(tmp_path: Path) -> None:
    """Without a file and flags there is a whole configuration that came from no file."""
    config = load(environ={"HOME": "/home/someone"}, cwd=tmp_path)
    assert config.source is None
    assert config.proxy.listen == Address("127.0.0.1", 8787)
    assert config.dashboard.token is None
    assert config.store.data_dir == Path("/home/someone/.local/share/tollbook")


def test_file_in_the_working_folder_is_read(loaded: Load, tmp_path: Path) -> None:
    """`./tollbook.toml` is read when no other file is named."""
    config = loaded("[proxy]\nworkers = 3")
    assert config.proxy.workers == 3
    assert config.source == tmp_path / "tollbook.toml"


def test_flags_override_the_file(loaded: Load, tmp_path: Path) -> None:
    """A flag wins over the same setting of the file."""
    text = '[proxy]\nlisten = "127.0.0.1:1"\nworkers = 2\n[dashboard]\nlisten = "127.0.0.1:2"\n[store]\ndata_dir = "a"'
    config = loaded(text, data_dir=Path("b"), listen="[::1]:3", dashboard="localhost:4", workers=5)
    assert config.proxy.listen == Address("::1", 3)
    assert config.dashboard.listen == Address("localhost", 4)
    assert config.proxy.workers == 5
    assert config.store.data_dir == tmp_path / "b"


def test_relative_data_dir_counts_from_the_file(tmp_path: Path) -> None:
    """A relative `data_dir` is in the folder of the file, wherever the command was started."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "my.toml").write_text('[store]\ndata_dir = "data"')
    config = load(Path("there/my.toml"), environ={"HOME": "/h"}, cwd=tmp_path)
    assert config.store.data_dir == tmp_path / "there" / "data"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_DATA_HOME": "/data"}, "/data/tollbook"),
        ({"XDG_DATA_HOME": "relative"}, "/home/someone/.local/share/tollbook"),
        ({"XDG_DATA_HOME": ""}, "/home/someone/.local/share/tollbook"),
    ],
)
def test_data_dir_default_follows_xdg(loaded: Load, environ: dict[str, str], expected: str) -> None:
    """The book is kept in $XDG_DATA_HOME if that is an absolute path, else under the home folder."""
    assert loaded(environ=environ).store.data_dir == Path(expected)


def test_home_is_understood_in_data_dir(loaded: Load) -> None:
    """`~` in `data_dir` is the home folder."""
    assert loaded('[store]\ndata_dir = "~/book"').store.data_dir == Path("/home/someone/book")


def test_built_in_upstream_keeps_what_is_not_changed(loaded: Load) -> None:
    """A table for a built-in upstream changes single fields and leaves dialect, price list and the rest."""
    upstreams = loaded('[upstreams.gemini]\nbase_url = "HTTP://LocalHost:9000/v/"').upstreams
    assert upstreams["gemini"].base_url == "http://localhost:9000/v"
    assert upstreams["gemini"].dialect == "gemini"
    assert upstreams["gemini"].provider == "google"
    assert upstreams["openai"].base_url == "https://api.openai.com"


def test_new_upstream_speaks_openai_and_prices_by_its_name(loaded: Load) -> None:
    """An upstream with a name of its own speaks openai, is priced under its name, and is not asked for usage."""
    upstream = loaded('[upstreams.mine]\nbase_url = "http://10.0.0.1:9000"').upstreams["mine"]
    assert (upstream.dialect, upstream.provider, upstream.stream_usage) == ("openai", "mine", "leave")


@pytest.mark.parametrize("name", ["azure", "bedrock", "vertex"])
def test_an_upstream_named_after_a_dialect_speaks_it(loaded: Load, name: str) -> None:
    """An upstream with the name of a dialect speaks that, unless the configuration says otherwise."""
    table = f'[upstreams.{name}]\nbase_url = "https://a.example.com"\n'
    assert loaded(table).upstreams[name].dialect == name
    assert loaded(f'{table}dialect = "openai"').upstreams[name].dialect == "openai"


def test_usage_is_asked_where_that_is_known_to_work(loaded: Load) -> None:
    """`stream_usage` is "ask" for openai, azure and vllm, and "leave" elsewhere."""
    upstreams = loaded('[upstreams.azure]\nbase_url = "https://a.openai.azure.com"').upstreams
    assert {name for name, upstream in upstreams.items() if upstream.stream_usage == "ask"} == {
        "openai",
        "azure",
        "vllm",
    }


def test_built_in_upstream_on_our_own_port_steps_aside(loaded: Load) -> None:
    """A built-in local upstream whose port Tollbook takes is left out, so that no call can circle."""
    assert "llamacpp" not in loaded(listen="127.0.0.1:8080").upstreams
    assert "llamacpp" in loaded(listen="10.0.0.1:8080").upstreams


def test_prices_are_the_decimals_of_their_text(loaded: Load) -> None:
    """A price is exactly the decimal that the file spells."""
    (price,) = loaded(
        '[[prices]]\nmodel = "gpt-4o*"\nfrom = 2026-01-01\ninput = 0.1\ncache_read = 1_000.000000000001\noutput = 10'
    ).prices
    assert price == PriceEntry(
        upstream="*",
        model="gpt-4o*",
        since=date(2026, 1, 1),
        input=Decimal("0.1"),
        cache_read=Decimal("1000.000000000001"),
        output=Decimal(10),
    )


def test_groups_and_credits_are_exact(loaded: Load) -> None:
    """Ratios and credits are decimals, so that usage is."""
    config = loaded("[credits]\nper_usd = 0.3\n[groups.lab]\nratio = 1.1\n[groups.free]")
    assert config.credits.per_usd == Decimal("0.3")
    assert config.groups["lab"].ratio == Decimal("1.1")
    assert config.groups["free"].ratio == 1


def test_budgets_are_exact(loaded: Load) -> None:
    """A budget is so many credits in so long a time; a bare number is a total."""
    group = loaded('[groups.lab]\nbudget = ["0.5/day", "50000/month", "7"]\nunpriced = "refuse"').groups["lab"]
    assert group.budgets == (
        Budget(Decimal("0.5"), "day"), Budget(Decimal(50000), "month"), Budget(Decimal(7), "total"),
    )  # fmt: skip
    assert [str(budget) for budget in group.budgets] == ["0.5/day", "50000/month", "7/total"]
    assert (group.unpriced, group.unpriced_usd_per_million) == ("refuse", None)


@pytest.mark.parametrize("access", ["open", "keys"])
def test_upstreams_take_the_access_of_the_proxy(loaded: Load, access: str) -> None:
    """An upstream whose table does not say who may call it is as open as the proxy."""
    config = loaded(
        f'[proxy]\naccess = "{access}"\n[upstreams.groq]\naccess = "keys"\n[upstreams.xai]\naccess = "open"\n'
        '[upstreams.mine]\nbase_url = "http://a"\n'
    )
    assert config.upstreams["groq"].access == "keys"
    assert config.upstreams["xai"].access == "open"
    assert {config.upstreams[name].access for name in ("openai", "mine")} == {access}


def test_secrets_come_from_the_variables_that_are_named(loaded: Load) -> None:
    """Credential and token are the values of the environment variables named for them."""
    config = loaded(
        '[dashboard]\nlisten = "0.0.0.0:8788"\ntoken_env = "T"\n[upstreams.openai]\napi_key_env = "K"',
        environ={"T": "tok", "K": "key"},
    )
    assert config.dashboard.token is not None
    assert config.dashboard.token.reveal() == "tok"
    assert config.upstreams["openai"].api_key is not None
    assert config.upstreams["openai"].api_key.reveal() == "key"


def test_token_of_the_usual_variable_is_used(loaded: Load) -> None:
    """A token in the default variable counts on loopback too; an empty variable is none."""
    token = loaded(environ={TOKEN_ENV: "tok"}).dashboard.token
    assert token is not None
    assert token.reveal() == "tok"
    assert loaded(environ={TOKEN_ENV: ""}).dashboard.token is None


def test_commands_that_only_read_need_no_secrets(loaded: Load) -> None:
    """Without secrets a configuration loads in a shell that has none of them."""
    text = '[dashboard]\nlisten = "0.0.0.0:8788"\ntoken_env = "T"\n[upstreams.openai]\napi_key_env = "K"'
    config = loaded(text, secrets=False)
    assert config.dashboard.token is None
    assert config.upstreams["openai"].api_key is None


def test_windows_editors_are_understood(tmp_path: Path) -> None:
    """A byte order mark and Windows line ends change nothing."""
    (tmp_path / "tollbook.toml").write_bytes(b"\xef\xbb\xbf[proxy]\r\nworkers = 2\r\n")
    assert load(environ={"HOME": "/h"}, cwd=tmp_path).proxy.workers == 2


def test_config_goes_to_another_process_whole(loaded: Load) -> None:
    """A configuration survives pickling, its secrets included, and still does not print them."""
    config = loaded('[upstreams.openai]\napi_key_env = "K"\n[groups.g]\n', environ={"K": "s3cr3t", TOKEN_ENV: "t0k3n"})
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copy: Config = pickle.loads(pickle.dumps(config, protocol))
        assert copy == config
        key = copy.upstreams["openai"].api_key
        assert type(key) is Secret
        assert key.reveal() == "s3cr3t"
        assert "s3cr3t" not in f"{copy} {copy!r} {key} {key!r} {key:>20}"
        assert "t0k3n" not in repr(copy)


def test_workers_carry_no_validation_library() -> None:
    """The values and the built-in upstreams can be imported without pydantic."""
    check = "import sys, proxy.config.model, proxy.config.builtin; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("127.example.com", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, loopback: bool) -> None:
    """Only addresses that other machines cannot reach count as loopback."""
    assert Address(host, 1).loopback is loopback


@pytest.mark.parametrize(
    ("name", "table", "provider"),
    [
        ("work", 'base_url = "https://api.openai.com"', "openai"),
        ("eu-openai", 'base_url = "https://eu.api.openai.com"', "openai"),
        ("claude", 'base_url = "https://api.anthropic.com"\ndialect = "anthropic"', "anthropic"),
        ("grok", 'base_url = "https://api.x.ai/"', "x-ai"),
        ("eu", 'base_url = "https://mine.openai.azure.com"', "azure"),
        ("foundry", 'base_url = "https://mine.services.ai.azure.com"', "azure"),
        ("vertex-eu", 'base_url = "https://europe-west4-aiplatform.googleapis.com"\ndialect = "vertex"', "google"),
        ("vertex", 'base_url = "http://127.0.0.1:9"', "google"),
        ("bedrock", 'base_url = "http://127.0.0.1:9"', "aws"),
        ("us", 'base_url = "https://bedrock-runtime.us-east-1.amazonaws.com"\ndialect = "bedrock"', "aws"),
        ("zai", 'base_url = "https://api.z.ai"', "zai"),
        ("other", 'base_url = "https://api.openai.com"\nprovider = "none"', "none"),
        ("mine", 'base_url = "https://openai.example.com"', "mine"),
        ("openai", 'base_url = "https://gateway.example.com"', "openai"),
        ("gemini", 'base_url = "https://api.openai.com"', "google"),
    ],
)
def test_the_price_list_is_that_of_the_host_or_the_dialect_or_the_name(
    tmp_path: Path, name: str, table: str, provider: str
) -> None:
    """Without `provider` it is known from the host, a cloud's dialect or the name; a built-in one keeps its own."""
    file = tmp_path / "tollbook.toml"
    file.write_text(f"[upstreams.{name}]\n{table}\n")
    assert load(file, environ={}).upstreams[name].provider == provider


def test_what_is_kept(loaded: Load) -> None:
    """Ages are hours or days and sizes decimal bytes; for ever and unlimited are what holds without being said."""
    assert loaded().store == loaded('[store]\nkeep_bodies = "forever"\nmax_bodies = "unlimited"').store
    store = loaded('[store]\nkeep_bodies = "36h"\nmax_bodies = "1.5GB"\nkeep_calls = "400d"').store
    assert (store.keep_bodies, store.max_bodies) == (timedelta(hours=36), 1_500_000_000)
    assert store.keep_calls == timedelta(days=400)
    assert loaded().store.keep_calls is None
