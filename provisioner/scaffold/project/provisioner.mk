# validate, plan and apply with make. A Makefile includes this file, also one that was there before.
#
#   TARGET=prod            the target; otherwise the default one of provisioner.yaml, which in CI must not be an emulator
#   PLAN=approved.plan     plan: save the plan to this file; apply: carry out this saved plan, or nothing
#   DIGEST=sha256:...      plan and apply: stop unless the plan has this digest
#   REPORT="FORMAT=FILE"   also write a report; several are separated by blanks
#   ARGS="--flag ..."      further options, separated by blanks; quotes have no effect in it
#
# The shell reads the values from its environment, so nothing in a value is executed.

PROVISIONER ?= provisioner
PYTHON ?= python3

# An empty value nearly always comes from a variable that is not set. Taken for "not given", it would choose another
# target, or apply what nobody has approved.
refuse-empty = $(foreach name,TARGET PLAN DIGEST REPORT ARGS,$(if $(filter command environment,$(origin $(name))),$(if \
  $(strip $(value $(name))),,$(error $(name) is empty: set the variable that it comes from, or leave it out))))

# make ends with 2 whatever went wrong. What went wrong is in .provisioner/result: stale, locked, incomplete, ...
# exec: a signal that ends make ends provisioner, which finishes its calls first.
run = mkdir -p .provisioner && set -f && set -- && \
  for report in $$REPORT; do set -- "$$@" --report "$$report"; done && \
  exec $(PROVISIONER) $(1) $${TARGET:+--target "$$TARGET"} "$$@" --report result=.provisioner/result $$ARGS

.PHONY: validate plan apply install

validate: ## check the definitions (TARGET=name for one target)
	$(refuse-empty)
	@$(call run,validate)

plan: ## show what would change (TARGET, PLAN, DIGEST, REPORT, ARGS)
	$(refuse-empty)
	@$(call run,plan $${PLAN:+--out "$$PLAN"} $${DIGEST:+--expect-digest "$$DIGEST"})

apply: ## apply the plan (TARGET, PLAN, DIGEST, REPORT, ARGS); asks unless PLAN, DIGEST or CI is set
	$(refuse-empty)
	@case "$${PLAN+given}$${DIGEST+given}$${CI:-false}" in \
	  given*|0|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]) yes= ;; *) yes=--yes ;; esac; \
	$(call run,apply $${PLAN:+"$$PLAN"} $${DIGEST:+--expect-digest "$$DIGEST"} $$yes)

install: ## install provisioner as pinned in requirements.txt and provisioner.txt
	@$(PYTHON) -m pip install --quiet --require-hashes --no-deps --requirement requirements.txt
	@$(PYTHON) -m pip install --quiet --no-deps --no-build-isolation --requirement provisioner.txt
