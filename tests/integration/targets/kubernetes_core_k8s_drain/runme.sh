#!/usr/bin/env bash
# The integration target of kubernetes.core's k8s_drain, as that collection ships it, with our module in place of theirs.
set -eux

theirs=$ANSIBLE_COLLECTIONS_PATH/ansible_collections/kubernetes/core/tests/integration/targets
roles=$OUTPUT_DIR/roles
mkdir "$roles"
cp -r "$theirs/k8s_drain" "$theirs/setup_namespace" "$roles"
# Names, and nothing else: the module under test, and full names for those that help, which nobody guesses from outside.
sed -Ei -e 's/^( *(- )?)k8s_drain:/\1kubeops.maintenance.k8s_drain:/' -e 's/^( *(- )?)(k8s|k8s_info):/\1kubernetes.core.\3:/' \
  "$roles"/k8s_drain/tasks/*.yml
# What runs here really is ours.
grep -rE '^ *(- )?(kubernetes\.core\.)?k8s_drain:' "$roles"/k8s_drain && exit 1
grep -r 'kubeops\.maintenance\.k8s_drain:' "$roles"/k8s_drain | wc -l | grep -x 23

export ANSIBLE_ROLES_PATH=$roles PYTHONPATH=$ANSIBLE_COLLECTIONS_PATH${PYTHONPATH:+:$PYTHONPATH}
python -m ansible_collections.kubeops.maintenance.tests.api ansible-playbook "$roles/k8s_drain/playbook.yaml" "$@"
