from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.locators import Selector, SelectorMap
from krm_image_setter.resources import ResourceRef

PATTERNS = st.sampled_from(["", "A", "B", "A*", "?", "*", "CustomResourceDefinition"])
SELECTORS = st.builds(Selector, PATTERNS, st.sampled_from(["", "v1", "*/v1"]), PATTERNS, PATTERNS)
NAMES = st.sampled_from(["", "A", "B", "AB", "*", "CustomResourceDefinition"])
RESOURCES = st.builds(ResourceRef, st.sampled_from(["v1", "example.com/v1"]), NAMES, NAMES, NAMES)


@given(st.lists(SELECTORS, max_size=8), RESOURCES)
def test_items_of_a_resource_are_those_whose_selectors_match_in_their_order(
    selectors: list[Selector], ref: ResourceRef
) -> None:
    matching = SelectorMap((selector, number) for number, selector in enumerate(selectors)).matching(ref)
    assert matching == [number for number, selector in enumerate(selectors) if selector.matches(ref)]
