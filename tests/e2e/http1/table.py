# SPDX-License-Identifier: Apache-2.0
"""All of the table: importing the rows' modules fills case.CASES, in this order."""
from http1 import cases_methods, cases_host, cases_lines, cases_content, cases_conditional, cases_paths  # noqa: F401
from http1.case import CASES  # noqa: F401  pylint: disable=unused-import
