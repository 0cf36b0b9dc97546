// What `llc` asks of an 802.2 header's control field (IEEE 802.2 clause 5.4). The value holds mask and expected bits.
namespace Tapline.Filter.Tree;

/// <summary>`llc`, `llc i`, `llc s`, `llc ui` and so on: mask in the upper byte, expected bits in the lower.</summary>
public enum LlcKind : ushort
{
    Any = 0,
    Information = 0x0100,
    Supervisory = 0x0301,
    Unnumbered = 0x0303,
    ReceiveReady = 0x0f01,
    ReceiveNotReady = 0x0f05,
    Reject = 0x0f09,
    UnnumberedInformation = 0xef03,
    UnnumberedAcknowledge = 0xef63,
    Disconnect = 0xef43,
    DisconnectedMode = 0xef0f,
    SetAsynchronousBalancedMode = 0xef6f,
    Test = 0xefe3,
    ExchangeIdentification = 0xefaf,
    FrameReject = 0xef87,
}
