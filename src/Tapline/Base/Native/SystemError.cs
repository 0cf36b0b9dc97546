// errno as words, so that a sentence can say what the kernel answered.
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>Describes errno values.</summary>
internal static class SystemError
{
    /// <summary>The kernel's words for an error number, lower case first letter, with the number.</summary>
    public static string Describe(int errno)
    {
        var text = Marshal.GetPInvokeErrorMessage(errno);
        return text.Length > 0
            ? $"{char.ToLowerInvariant(text[0])}{text.AsSpan(1)}, error {errno}"
            : $"error {errno}";
    }
}
