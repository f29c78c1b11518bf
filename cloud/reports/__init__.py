"""Reports: what the books, the payments and the ledgers say, as tables that leave as CSV, XLSX or PDF."""
