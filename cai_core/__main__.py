"""`python -m cai_core ...`"""

from cai_core.cli.main import main

main(prog_name="python -m cai_core")
