# SPDX-License-Identifier: Apache-2.0
"""A table of HTTP/1.1 exchanges, each with the RFC's section that judges it, and what plays it on a raw socket."""
