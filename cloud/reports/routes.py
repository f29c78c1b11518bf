"""The API of reports, in one list."""

from cloud.reports import meter_routes, reconciliation_routes, settlement_routes

ROUTES = [*meter_routes.ROUTES, *reconciliation_routes.ROUTES, *settlement_routes.ROUTES]
