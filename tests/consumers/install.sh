#!/bin/sh
# install.sh PYTHON llamafactory|swift FOLDER: an environment with the loader and the templates of
# that trainer, none of what needs a GPU. torch comes first and alone, as in the Makefile; the
# trainers come without their dependencies, which would move it.
set -eu
python=$1 trainer=$2 folder=$3
torch=$(grep '^torch==' "$(dirname "$0")/../../constraints.txt")
test -x "$folder/bin/python" || "$python" -m venv "$folder"
pip() { "$folder/bin/python" -m pip install -q --disable-pip-version-check "$@"; }
pip "$torch"
case $trainer in
  llamafactory)
    pip --no-deps llamafactory==0.9.5 torchaudio==2.11.0
    pip "$torch" accelerate==1.11.0 datasets==4.0.0 peft==0.18.1 transformers==5.6.0 trl==0.24.0 \
      av einops jinja2 msgspec omegaconf pillow
    # It imports torchaudio for sounds that no record has; there is no build for a torch without
    # CUDA, and without its libraries the package is plain Python.
    "$folder/bin/python" -c "import torchaudio" 2>/dev/null ||
      rm -f "$folder"/lib/python*/site-packages/torchaudio/lib/*.so ;;
  swift)
    pip --no-deps ms-swift==4.6.0 qwen-vl-utils==0.0.14 torchvision==0.28.0
    pip "$torch" accelerate datasets==4.8.4 peft==0.20.0 transformers==5.19.0 trl==0.24.0 \
      av dacite einops jinja2 json-repair modelscope==1.40.2 msgspec pillow requests simplejson \
      zstandard ;;
  *) echo "install.sh: unknown trainer $trainer" >&2; exit 2 ;;
esac
