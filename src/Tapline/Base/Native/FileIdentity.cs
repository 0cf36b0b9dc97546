// What tells one file or folder from another, whatever they are called: the device and the number there (statx(2)).
namespace Tapline.Base.Native;

/// <summary>A file's identity while it exists.</summary>
/// <param name="Device">The device that its file system is on.</param>
/// <param name="Number">Its number there.</param>
internal readonly record struct FileIdentity(ulong Device, ulong Number);
