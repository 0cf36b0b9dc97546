// A container that can't be read: no key, damage, or bytes that are none of ours. An IOException, so that whoever reads files
// treats it as what it is: a file that can't be read. The message is a clause that continues a sentence about the file.
namespace Tapline.Record.Container;

/// <summary>Why a container, or a part of it, can't be read.</summary>
public sealed class ContainerException : IOException
{
    public ContainerException()
    {
    }

    public ContainerException(string message)
        : base(message)
    {
    }

    public ContainerException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>The key that is not known here; null = that is not the reason.</summary>
    public string? MissingKey { get; init; }
}
