// The things that an inventory tells about a VM.
namespace Tapline.Capture.Identity;

/// <summary>What a column says.</summary>
internal enum InventoryField
{
    /// <summary>Nothing that is asked for.</summary>
    Other,
    Name,
    Id,
    Mac,
    Ip,
    Tags,
}
