"""``completion``: print a completion script for a shell."""

from __future__ import annotations

import click

from provisioner.cli import options
from provisioner.cli.context import Context


@click.command(cls=options.StrictCommand)
@click.argument("shell", metavar="[bash|zsh|fish]", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(context: Context, shell: str) -> int:
    """Print a shell script that completes commands, flags, targets and keys.

    In ~/.bashrc: eval "$(provisioner completion bash)"
    """
    from click.shell_completion import get_completion_class

    from provisioner.cli import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    script = kind(cli, {}, "provisioner", "_PROVISIONER_COMPLETE").source()
    context.console.out(script + (_FILES_IN_BASH if shell == "bash" else ""))
    return 0


_FILES_IN_BASH = """
_provisioner_files() {
    if [[ $2 == '=' || $3 == '=' ]]; then  # FORMAT=FILE: bash splits words there
        COMPREPLY=()
        compopt -o default
        return 0
    fi
    _provisioner_completion "$@"
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}

complete -o nosort -F _provisioner_files provisioner
"""
"""Added to what click writes: names of files after ``FORMAT=``, and no blank behind it."""
