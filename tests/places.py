"""Where tests find what does not come with the package."""

from pathlib import Path

# Published figures and real data beside the repository; without them their tests are skipped.
SHARED = Path(__file__).parents[2] / "shared"
