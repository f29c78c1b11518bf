"""A development certificate authority, and server certificates for the cloud and the broker on localhost.

Rule: for development and tests only. What is there and whole stays as it is; only the owner can read private keys.
"""

import datetime
import ipaddress
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A gateway that lost its clock starts from its date of manufacture, so certificates must be older than any gateway.
_NOT_BEFORE = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_NOT_AFTER = datetime.datetime(
    2049, 12, 31, 23, 59, 59, tzinfo=datetime.UTC
)  # the last year of UTCTime (RFC 5280 4.1.2.5)
_HOSTS = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)


@dataclass(frozen=True)
class Paths:
    """Where the authority's files are. All are PEM but for `ca_der`, the form that devices read."""

    ca: Path
    ca_der: Path
    ca_key: Path
    cloud: Path
    cloud_key: Path
    broker: Path
    broker_key: Path


def ensure(directory: Path) -> Paths:
    """Make the authority and its certificates in `directory`, or keep what is there; OSError if it cannot write."""
    paths = Paths(
        ca=directory / "ca.pem",
        ca_der=directory / "ca.der",
        ca_key=directory / "ca.key",
        cloud=directory / "cloud.pem",
        cloud_key=directory / "cloud.key",
        broker=directory / "broker.pem",
        broker_key=directory / "broker.key",
    )
    if not all(path.exists() for path in vars(paths).values()):
        directory.mkdir(parents=True, exist_ok=True)
        _make(paths)
    return paths


def _make(paths: Paths) -> None:
    """Everything anew, the authority's key last: what is not whole is not taken for whole at the next start."""
    paths.ca_key.unlink(missing_ok=True)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    for name, certificate_path, key_path in (
        ("cloud", paths.cloud, paths.cloud_key),
        ("broker", paths.broker, paths.broker_key),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        _write_private(key_path, key)
        certificate_path.write_bytes(_pem(_server(name, key, ca, ca_key)))
    paths.ca.write_bytes(_pem(ca))
    paths.ca_der.write_bytes(ca.public_bytes(serialization.Encoding.DER))
    _write_private(paths.ca_key, ca_key)


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Penstock development authority")
    return (
        _certificate(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    name: str, key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    return (
        _certificate(_name(f"Penstock development {name}"), ca.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_HOSTS), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write the key so that at no moment anybody else can read it."""
    path.unlink(missing_ok=True)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tools.authority DIRECTORY", file=sys.stderr)
        return 2
    for name, path in vars(ensure(Path(arguments[0]))).items():
        print(f"{name:11}{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
