"""Places and accounts of what was there before there were any: one of each for a meter, by its number."""

import sqlalchemy as sa

_STATEMENTS = (
    "INSERT INTO service_point (utility_id, place, commodity, created_at) "
    "SELECT utility_id, drn, commodity, created_at FROM meter WHERE customer_id IS NOT NULL",
    "INSERT INTO meter_stay (utility_id, service_point_id, meter_id, from_at, opening_register_ml) "
    "SELECT m.utility_id, p.id, m.id, m.created_at, m.opening_register_ml FROM meter m "
    "JOIN service_point p ON p.place = m.drn",
    "INSERT INTO account (utility_id, customer_id, service_point_id, opened_at, opening_register_ml) "
    "SELECT m.utility_id, m.customer_id, s.service_point_id, m.created_at, m.opening_register_ml FROM meter m "
    "JOIN meter_stay s ON s.meter_id = m.id",
    "UPDATE meter SET account_id = (SELECT a.id FROM account a JOIN meter_stay s "
    "ON s.service_point_id = a.service_point_id WHERE s.meter_id = meter.id)",
    "UPDATE sale SET account_id = (SELECT m.account_id FROM meter m WHERE m.id = sale.meter_id)",
)


def carry_over(connection: sa.Connection) -> None:
    """Make a service point, a stay and an account for each meter with a customer; its sales are that account's."""
    for statement in _STATEMENTS:
        connection.execute(sa.text(statement))


def carry_back(connection: sa.Connection) -> None:
    """Refuse to lose what the older form has no place for: money that was ordered to go back and did not yet."""
    waiting = connection.execute(
        sa.text("SELECT count(*) FROM refund_order WHERE state IN ('waiting', 'listed')")
    ).scalar()
    if waiting:
        raise RuntimeError(f"{waiting} refunds are ordered and not paid; pay or decline them before the downgrade")
