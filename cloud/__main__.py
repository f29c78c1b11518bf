"""python -m cloud"""

from cloud.cli import main

main()
