# SPDX-License-Identifier: MIT
"""A certificate authority made with openssl, and a certificate it signed for 127.0.0.1."""

import collections
import subprocess

Tls = collections.namedtuple("Tls", "authority certificate key")


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def _request(folder, name, subject):
    key, request = folder / f"{name}.key", folder / f"{name}.csr"
    _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", key, "-out", request, "-subj", subject)
    return key, request


def make_authority(folder, names="IP:127.0.0.1,DNS:localhost"):
    authority, certificate = folder / "ca.pem", folder / "server.pem"
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName={names}\n", encoding="utf-8")
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-keyout", folder / "ca.key", "-out", authority,
             "-subj", "/CN=whd test authority")
    key, request = _request(folder, "server", "/CN=127.0.0.1")
    _openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", folder / "ca.key",
             "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
    return Tls(authority, certificate, key)
