"""Whether a caller may use the model that a request asks for. Only keys and groups that say so have a rule."""

from dataclasses import dataclass

from proxy.keys.asked_model import allowed, shown
from proxy.keys.key import Key
from proxy.keys.used_up import Standing
from proxy.refusal import Refusal


@dataclass(frozen=True, slots=True)
class ModelRule:
    """What one call must keep to."""

    key: Key | None
    group: str
    refuses_unpriced: bool  # the group does
    upstream: str
    standing: Standing

    def judge(self, models: tuple[str, ...]) -> Refusal | None:
        """Why a request for these models is refused; no models: it cannot be told which."""
        if self.key is not None and self.key.models and not allowed(self.key.models, models):
            asked_for = shown(models[0]) if models else None
            return Refusal(403, "model_not_allowed", self._not_allowed(models), retry=False, model=asked_for)
        for model in models if self.refuses_unpriced else ():
            if self.standing.unpriced(self.upstream, model):
                message = f"The model {shown(model)} has no price, and the group {self.group} refuses such models."
                return Refusal(403, "model_unpriced", message, retry=False, model=shown(model))
        return None

    def _not_allowed(self, models: tuple[str, ...]) -> str:
        name = self.key.name if self.key else ""
        if not models:
            return f"The key {name} may use some models only, and it cannot be told which one this request asks for."
        return f"The key {name} may not use the model {shown(', '.join(models))}."
