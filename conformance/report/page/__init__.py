"""A report as one HTML page that needs nothing else: no network, no script but its own."""

from conformance.report.page.document import write_page

__all__ = ["write_page"]
