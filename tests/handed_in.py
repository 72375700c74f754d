"""Sets of one source to hand in, and the registry that takes them in: the real one, in the test's own database."""

import io
from pathlib import Path

from django.db import connection
from tests.fakes import Registry

from bagipakai import postgres
from bagipakai.core.intake import IntakeReceipt, SubmissionOrder
from bagipakai.registry import keys, receiving

HEAD = (
    "id_pln,nik,nama,alamat,kode_prov,kode_kab,kode_kec,kode_desa,"
    "daya_listrik,penerima_subsidi_listrik,tanggal_pasang,tanggal_putus"
)
SOUND = "{id},{nik},Orang Rekaan,Jalan Uji 1,32,3201,320101,3201011001,1,ya,2020-01-31,"


def a_set(rows: int = 20, faulty: int = 1) -> bytes:
    """A file of the electricity company: of its rows, the last `faulty` ones have a village of another district."""
    lines = [HEAD]
    for number in range(1, rows + 1):
        line = SOUND.format(id=f"{520000000000 + number}", nik=f"32010112088{number:05d}")
        lines.append(line.replace("3201011001", "5203012001") if number > rows - faulty else line)
    return ("\n".join(lines) + "\n").encode()


def a_file(content: bytes, name: str = "pelanggan.csv") -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


class RealRegistry(Registry):
    """Takes in what was sent, with the product's own code, and posts the receipts."""

    def submissions(self) -> list[SubmissionOrder]:
        """The orders without a receipt, oldest first."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT orders.envelope FROM exchange.orders LEFT JOIN exchange.receipts USING (order_id)"
                " WHERE receipts.order_id IS NULL AND order_id LIKE 'KRM-%%' ORDER BY placed_at, order_id"
            )
            return [SubmissionOrder.unsealed(bytes(row[0]), self.keys.order) for row in cursor.fetchall()]

    def give_up(self) -> list[IntakeReceipt]:
        """Answers that they were cancelled, as a worker does that found the cancellations."""
        done = [receiving.cancelled(order, receiving.Stores.under(postgres.var())) for order in self.submissions()]
        for receipt in done:
            self.post(receipt.order_id, receipt.sealed(self.keys.receipt))
        return done

    def take_in(self) -> list[IntakeReceipt]:
        var = postgres.var()
        stores, identity, done = receiving.Stores.under(var), keys.intake(var / "keys"), []
        for order in self.submissions():
            done.append(receiving.receive(order, self.keys.receipt, self.keys.storage, identity, stores))
            self.post(order.order_id, done[-1].sealed(self.keys.receipt))
        return done


def readable_anywhere(words: bytes, *places: Path) -> list[Path]:
    """The files under these places that hold the words."""
    return [
        file
        for place in places
        if place.is_dir()
        for file in place.rglob("*")
        if file.is_file() and words in file.read_bytes()
    ]
