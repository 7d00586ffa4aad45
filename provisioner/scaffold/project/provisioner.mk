# validate, plan and apply with make. A Makefile includes this file, also one that was there before.
#
#   TARGET=prod            the target; otherwise the default one of provisioner.yaml, which in CI must not be an emulator
#   PLAN=approved.plan     plan: save the plan to this file; apply: carry out this saved plan, or nothing
#   DIGEST=sha256:...      plan and apply: stop unless the plan has this digest
#   REPORT="FORMAT=FILE"   also write a report; several are separated by blanks
#   ARGS="--flag ..."      further options, separated by blanks; quotes have no effect in it
#
# The shell reads the values from its environment, so nothing in a value is carried out.

provisioner-variables := TARGET PLAN DIGEST REPORT ARGS
provisioner := $(if $(filter file,$(origin PROVISIONER)),$(PROVISIONER),provisioner)

# A value on the command line would be expanded when make hands it on.
$(foreach name,$(provisioner-variables),$(if $(filter command,$(origin $(name))),$(eval \
  override $(name) := $$(value $(name)))$(eval export $(name))))

# An empty value nearly always comes from a variable that is not set, and an unknown name is a misspelled one. Taken for
# "not given", both would choose another target, or apply what nobody has approved. What an earlier run has left in
# .provisioner/result goes first.
provisioner-check = $(shell rm -f .provisioner/result)$(foreach name,$(.VARIABLES),$(if \
  $(filter command,$(origin $(name))),$(if $(filter $(provisioner-variables) CI PROVISIONER PYTHON,$(name)),,$(error \
  $(name) is no variable of $(or $@,$(MAKECMDGOALS)): use $(provisioner-variables)))))$(foreach name,$(provisioner-variables),$(if \
  $(filter command environment override,$(origin $(name))),$(if $(strip $(value $(name))),,$(error \
  $(name) is empty: set the variable that it comes from, or leave it out))))

# make ends with 2 whatever went wrong. What went wrong is in .provisioner/result: stale, locked, incomplete, ...
# exec: a signal that ends make ends provisioner, which finishes its calls first.
provisioner-run = mkdir -p .provisioner && set -f && set -- && \
  for report in $$REPORT; do set -- "$$@" --report "$$report"; done && \
  exec $(provisioner) $(1) $${TARGET:+--target "$$TARGET"} "$$@" --report result=.provisioner/result $$ARGS $(2)

# At once, before what these goals depend on; and once more where another goal depends on them.
ifneq ($(filter validate plan apply,$(MAKECMDGOALS)),)
$(provisioner-check)
endif

.PHONY: validate plan apply

validate: ## check the definitions (TARGET=name for one target)
	$(provisioner-check)
	@$(call provisioner-run,validate)

plan: ## show what would change (TARGET, PLAN, DIGEST, REPORT, ARGS)
	$(provisioner-check)
	@$(call provisioner-run,plan $${PLAN:+--out "$$PLAN"} $${DIGEST:+--expect-digest "$$DIGEST"})

apply: ## apply the plan (TARGET, PLAN, DIGEST, REPORT, ARGS); asks unless PLAN or DIGEST is given, or CI is true
	$(provisioner-check)
	@case "$${PLAN+given}$${DIGEST+given}$$CI" in [Tt]rue|TRUE|1|[Yy]es|YES) yes=--yes ;; *) yes= ;; esac; \
	$(call provisioner-run,apply $${DIGEST:+--expect-digest "$$DIGEST"} $$yes,$${PLAN:+-- "$$PLAN"})
