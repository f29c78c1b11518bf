"""Readings go up segment by segment, the running day once an hour, and only an answer makes the gateway forget."""

from firmware.readings_post import RESEND_FIRST_MS, RESEND_MAX_MS, RUNNING, ReadingsPost
from shared import documents, readings
from tests.fakes.hours import Desk, kept

DAY = 20717


class Random:
    """A counter as random bytes."""

    count = 0

    def __call__(self, size):
        self.count += 1
        return self.count.to_bytes(size, "big")


class Post:
    """A desk with a day's readings of two meters, and what is sent of them."""

    def __init__(self, days=1):
        self.desk = Desk((0, 1))
        for day in range(days):
            self.close(DAY + day)
        self.post = ReadingsPost(self.desk, self.desk.readings, Random())
        self.now_ms = 0

    def close(self, day):
        self.desk.pass_hours(*([200] * 24))
        for channel in (0, 1):
            self.desk.readings.close_day(channel, day)

    def due(self, later_ms=0):
        """The fields of the message that is due, with its records; None when there is none."""
        self.now_ms += later_ms
        data = self.post.due(self.now_ms)
        if not data:
            return None
        assert len(data) <= documents.MESSAGE_MAX
        fields = documents.READINGS.decode(documents.without_mac(self.desk.settings.link_key, data))
        fields["records"] = [readings.decode(packed) for packed in readings.split(fields["records"])]
        return fields

    def answer(self, sent):
        return self.post.stored(sent["segment"], sent["nonce"])


def test_whole_days_go_up_first_and_are_forgotten_when_they_are_stored():
    post = Post()

    sent = post.due()
    told = post.answer(sent)

    assert [(record.channel, record.day) for record in sent["records"]] == [(0, DAY), (1, DAY)]
    assert told == "readings 1 are stored" and kept(post.desk) == []


def test_what_was_stored_is_the_record_on_flash_byte_for_byte():
    post = Post()

    sent = post.due()

    assert [readings.encode(one) for one in sent["records"]] == [readings.encode(one) for one in kept(post.desk)]


def test_many_days_go_up_one_segment_at_a_time_the_oldest_first():
    post = Post(200)
    days = []

    sent = post.due()
    while sent["segment"] != RUNNING:
        days += [record.day for record in sent["records"] if record.channel == 0]
        post.answer(sent)
        sent = post.due()

    assert days == [DAY + day for day in range(200)] and kept(post.desk) == []


def test_without_an_answer_it_is_sent_again_less_and_less_often():
    post = Post()
    waits = []

    sent = post.due()
    for _ in range(12):
        wait_ms = 0
        again = None
        while again is None:
            wait_ms += 1000
            again = post.due(1000)
        assert again["segment"] == sent["segment"] and again["nonce"] != sent["nonce"]
        waits.append(wait_ms)

    assert waits[:3] == [RESEND_FIRST_MS, 2 * RESEND_FIRST_MS, 4 * RESEND_FIRST_MS] and waits[-1] == RESEND_MAX_MS


def test_only_the_answer_to_the_last_message_counts():
    post = Post()
    first = post.due()
    post.due(RESEND_FIRST_MS)

    late = post.answer(first)
    foreign = post.post.stored(9, bytes(8))

    assert late == foreign == "refused: an acknowledgement of other readings" and len(kept(post.desk)) == 2


def test_records_that_came_meanwhile_are_sent_too():
    post = Post()
    sent = post.due()
    post.close(DAY + 1)

    told = post.answer(sent)
    again = post.due()

    assert told == "more readings were added meanwhile"
    assert [record.day for record in again["records"]] == [DAY, DAY, DAY + 1, DAY + 1]


def test_the_running_day_goes_up_once_an_hour():
    post = Post(0)
    post.desk.pass_hours(3, 4)

    first, again = post.due(), post.due(3000000)
    post.desk.pass_hours(5)
    second = post.due()

    assert first["segment"] == RUNNING and again is None
    assert [record.pulses for record in first["records"]] == [[3, 4], [0, 0]]
    assert [record.pulses for record in second["records"]] == [[3, 4, 5], [0, 0, 0]]
    assert {record.day for record in second["records"]} == {readings.NOT_CLOSED}
    assert post.answer(second) == "the running day's readings are stored"


def test_a_restart_sends_again_what_was_not_answered():
    post = Post()
    sent = post.due()
    post.desk.reboot()
    post.post = ReadingsPost(post.desk, post.desk.readings, Random())

    again = post.due()

    assert [readings.encode(one) for one in again["records"]] == [readings.encode(one) for one in sent["records"]]
