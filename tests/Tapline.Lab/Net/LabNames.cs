// Names for interfaces and namespaces that no other test, process or earlier run can have: a prefix, this process's id
// in base 36, a counter. Interface names may have 15 characters (IFNAMSIZ of linux/if.h less the closing zero).
namespace Tapline.Lab.Net;

/// <summary>Unique short names.</summary>
public static class LabNames
{
    private const int NameLengthMax = 15;
    private static int s_counter;

    /// <summary>A new name, at most 15 characters; <paramref name="role"/> is cut when it does not fit.</summary>
    public static string Next(string role = "x")
    {
        var unique = $"{ToBase36(Environment.ProcessId)}{ToBase36(Interlocked.Increment(ref s_counter))}";
        var name = $"tl{unique}{role}";
        return name.Length <= NameLengthMax ? name : name[..NameLengthMax];
    }

    private static string ToBase36(int value)
    {
        const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";
        var text = "";
        do
        {
            text = Digits[value % 36] + text;
            value /= 36;
        }
        while (value > 0);
        return text;
    }
}
