"""An environment without the logins and the proxies of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from registry.servers import login_environment


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in login_environment(tmp_path).items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name, raising=False)
