// What kind of frame the bytes are. The numbers are the LINKTYPE_ values that capture files carry
// (https://www.tcpdump.org/linktypes.html), so a file's header converts without a table.
namespace Tapline.Base;

/// <summary>The link layer of a captured frame, numbered as in capture files (LINKTYPE_*).</summary>
public enum LinkType : ushort
{
    Null = 0,
    Ethernet = 1,
    Ppp = 9,
    PppHdlc = 50,
    PppEther = 51,
    Raw = 101,
    Ieee80211 = 105,
    Loop = 108,
    LinuxSll = 113,
    Ieee80211Prism = 119,
    Ieee80211Radiotap = 127,
    PppWithDirection = 204,
    Ipv4 = 228,
    Ipv6 = 229,
    LinuxSll2 = 276,
}
