"""A WiFi radio that joins after being asked, refuses when told so, and remembers what it was asked."""

STA_IF = 0


class WLAN:
    """network.WLAN as the firmware uses it."""

    stations = []  # all that were made, newest last

    def __init__(self, interface):
        assert interface == STA_IF
        self.is_active = False
        self.joined = False
        self.asked = []
        self.broken = False
        WLAN.stations.append(self)

    def active(self, on):
        self.is_active = on
        self.joined = self.joined and on

    def connect(self, ssid, password):
        if self.broken:
            raise OSError("Wifi Internal Error")
        assert self.is_active
        self.asked.append((ssid, password))

    def isconnected(self):
        return self.joined
