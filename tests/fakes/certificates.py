"""Certificates that an authority should never have made."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tools.authority import Paths

_NAME = "broker.elsewhere.example"


def of_another_name(authority: Paths, folder: Path) -> Paths:
    """The authority's files, but for a broker whose certificate is good and of another host."""
    folder.mkdir()
    signer = serialization.load_pem_private_key(authority.ca_key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)]))
        .issuer_name(x509.load_pem_x509_certificate(authority.ca.read_bytes()).subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2049, 1, 1, tzinfo=datetime.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    broker, broker_key = folder / "broker.pem", folder / "broker.key"
    broker.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    broker_key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return Paths(**(vars(authority) | {"broker": broker, "broker_key": broker_key}))
