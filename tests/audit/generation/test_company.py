"""The company of a made-up record."""

from audit.generation.company import PEOPLE, Company


def test_a_seed_is_one_company() -> None:
    def told(seed: int) -> list[object]:
        company = Company(seed)
        way = company.tools[0].ways[0]["calling"].entry
        return [company.customers, company.people, way.fingerprint, way.arguments]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_everybody_has_an_address_of_their_own() -> None:
    people = Company(0).people
    assert len({person.columns["person"] for person in people}) == len(people) == PEOPLE
