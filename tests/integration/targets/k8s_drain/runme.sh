#!/usr/bin/env bash
# On a cluster that is only an API, up as long as this runs.
set -eux

export PYTHONPATH=$ANSIBLE_COLLECTIONS_PATH${PYTHONPATH:+:$PYTHONPATH}
python -m ansible_collections.kubeops.maintenance.tests.api ansible-playbook playbook.yml "$@"
