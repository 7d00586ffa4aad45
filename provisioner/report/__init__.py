"""Reports of plans, outcomes, problems and the state: text, JSON, Markdown, HTML, and the formats of CI systems.

``formats`` lists every report and its function. In a module about a subject (``plan_text``, ``outcomes``, ``problems``,
``ids``, ``state``, ``tables``) functions are called ``as_<format>``; in a module about a format (``github``,
``gitlab``, ``junit``) ``<subject>_as_<format>``. Everything here is pure, except that ``formats`` reads the clock and
``plan_html`` its template.
"""
