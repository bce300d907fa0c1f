"""Commands for who is helped: customer, company. What they are held to: tier, company, a policy of their own."""

from __future__ import annotations

import typer

from tkt.cli import context, output
from tkt.cli.people import AS_JSON, NAME, show_rows
from tkt.errors import NotFound, UsageError

customer = typer.Typer(help="Customers: list, show, set.", rich_markup_mode=None)
company = typer.Typer(help="Companies: list, add, set.", rich_markup_mode=None)

ADDRESS = typer.Argument(..., metavar="ADDRESS", help="A mail address of theirs.")
VALUES = "Empty, or none, takes it away."


@customer.command("list")
def customer_list(
    word: str = typer.Argument("", metavar="[WORD]", help="In name, address or company."),
    limit: int = typer.Option(50, "-n", help="So many at most, the newest; 0 means all."),
    json: bool = AS_JSON,
) -> int:
    """List customers.

    Example: tkt customer list acme
    """
    from tkt.store.read_people import customers

    with context.reader() as reader:
        show_rows([one._asdict() for one in customers(reader, word, limit)], json)
    return 0


@customer.command("show")
def customer_show(address: str = ADDRESS, json: bool = AS_JSON) -> int:
    """A customer: addresses, company, tier, policy.

    Example: tkt customer show ann@example.com
    """
    from tkt.store import read_people

    with context.reader() as reader:
        found = read_people.customer(reader, address)
    if found is None:
        raise NotFound(f"no customer has the address '{address}'")
    if json:
        output.as_json(found._asdict())
        return 0
    for key, value in found._asdict().items():
        output.line(f"{key}: {', '.join(value) if isinstance(value, list) else value}")
    return 0


@customer.command("set")
def customer_set(
    address: str = ADDRESS,
    words: list[str] = typer.Argument(..., metavar="KEY=VALUE…", help=f"name, tier, company or sla. {VALUES}"),
) -> int:
    """Change a customer; deadlines of their open tickets follow. Supervisors only.

    Example: tkt customer set ann@example.com tier=vip company=Acme
    """
    from tkt.desk.customers import set_customer

    _tell(address, set_customer(context.desk(), address, _pairs(words)))
    return 0


@company.command("list")
def company_list(json: bool = AS_JSON) -> int:
    """List companies.

    Example: tkt company list
    """
    from tkt.store.read_people import companies

    with context.reader() as reader:
        show_rows([one._asdict() for one in companies(reader)], json)
    return 0


@company.command("add")
def company_add(
    name: str = NAME,
    words: list[str] = typer.Argument(None, metavar="KEY=VALUE…", help="tier or sla."),
) -> int:
    """Make a company. Supervisors only.

    Example: tkt company add Acme tier=vip
    """
    from tkt.desk.customers import add_company

    add_company(context.desk(), name, _pairs(words or []))
    output.line(f"company {name} added")
    return 0


@company.command("set")
def company_set(
    name: str = NAME,
    words: list[str] = typer.Argument(..., metavar="KEY=VALUE…", help=f"tier or sla. {VALUES}"),
) -> int:
    """Change a company; deadlines of its customers' open tickets follow. Supervisors only.

    Example: tkt company set Acme sla=gold
    """
    from tkt.desk.customers import set_company

    _tell(name, set_company(context.desk(), name, _pairs(words)))
    return 0


def _pairs(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise UsageError(f"'{key}' is not KEY=VALUE, such as tier=vip")
    return {key: value for key, _, value in pairs}


def _tell(who: str, changed: list[str]) -> None:
    output.line(f"{who}: {', '.join(changed)} changed" if changed else f"{who}: nothing to change")


COMMANDS = {"customer": customer, "company": company}
