"""``/_emulator/faults``: what is to go wrong, and how often it has."""

from provisioner.emulator.concurrent_edits import seed
from provisioner.emulator.errors import uncoded
from provisioner.emulator.faults import FaultError, Rehearsal
from provisioner.emulator.json_text import parse
from provisioner.emulator.messages import Reply, Request
from provisioner.emulator.rehearsal import rehearsal
from provisioner.emulator.world import World


def shown(world: World, request: Request) -> Reply:  # noqa: ARG001
    """The rehearsal under way, with its counts."""
    return Reply(200, world.faults.report())


def replaced(world: World, request: Request) -> Reply:
    """Begin the rehearsal in the body instead; 400, and nothing changed, when it cannot be used."""
    try:
        wanted = rehearsal(parse(request.body))
        seed(world, wanted.existing)
    except FaultError as error:
        raise uncoded(400, "Invalid faults", str(error)) from None
    except ValueError:
        raise uncoded(400, "Invalid faults", "the body is not valid JSON") from None
    world.faults.load(wanted)
    return Reply(200, world.faults.report())


def cleared(world: World, request: Request) -> Reply:  # noqa: ARG001
    """Nothing goes wrong any more; base connections stay as they are."""
    world.faults.load(Rehearsal())
    return Reply(200, world.faults.report())
