"""A WiFi radio, an Ethernet port and lwIP's PPP that join after being asked, refuse when told so, and remember."""

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

    def ifconfig(self):
        return ("192.168.1.7", "255.255.255.0", "192.168.1.1", "192.168.1.1")


PHY_LAN8720 = 1


class LAN:
    """network.LAN of the ESP32 as the firmware uses it."""

    ports = []  # all that were made, newest last

    def __init__(self, **made_with):
        self.made_with = made_with
        self.switched = []
        self.joined = False
        self.broken = False
        LAN.ports.append(self)

    def active(self, on):
        if self.broken:
            raise OSError("Ethernet Internal Error")
        self.switched.append(on)

    def isconnected(self):
        return self.joined

    def ifconfig(self):
        return ("192.168.1.7", "255.255.255.0", "192.168.1.1", "192.168.1.1")


class PPP:
    """network.PPP of lwIP: `willing` others agree at once; one that is told to close is closed a few looks later."""

    SEC_NONE, SEC_PAP, SEC_CHAP = 0, 1, 2
    _INACTIVE, _ACTIVE, _ERROR, _CONNECTING, _CONNECTED = range(5)
    _LOOKS = 50
    made = []  # newest last

    def __init__(self, stream):
        self.stream = stream
        self.willing = False
        self.broken = False
        self.gives_up = True  # after ten requests without an answer
        self.calls = 0
        self.goodbyes = 0
        self.proofs = []
        self._state = self._INACTIVE
        self._error = 0
        self._closing = 0
        self._polls = 0
        PPP.made.append(self)

    def connect(self, security=SEC_NONE, user=None, key=None):
        if self.broken:
            raise OSError("pppos_create failed")
        assert self._state in (self._INACTIVE, self._ACTIVE, self._ERROR) and not self._closing
        self.calls += 1
        self.proofs.append((security, user, key))
        self._state = self._CONNECTED if self.willing else self._CONNECTING
        self._polls = 0

    def agree(self):
        self._state = self._CONNECTED

    def fail(self):
        self._state, self._error = self._ERROR, 9

    lose = fail

    def disconnect(self):
        if self._state in (self._CONNECTING, self._CONNECTED):
            self.goodbyes += 1
            self._closing = self._LOOKS

    def poll(self):
        self._polls += 1
        if self._closing:
            self._closing -= 1
            self._state = self._state if self._closing else self._INACTIVE
        elif self._state == self._CONNECTING and self.gives_up and self._polls > 30 * self._LOOKS:
            self.fail()

    def isconnected(self):
        return self._state == self._CONNECTED

    def status(self):
        return -self._error if self._state == self._ERROR else self._state

    def ifconfig(self):
        return ("10.0.0.2", "255.255.255.255", "10.0.0.1", "10.0.0.53")
