// The words for applications in JSON, SQL and filters.
namespace Tapline.Store;

/// <summary>Names of <see cref="AppName"/> values.</summary>
public static class AppNames
{
    private static readonly string[] s_names = BuildNames();

    /// <summary>The word, or null for unknown or a number from a newer version.</summary>
    public static string? Find(ushort appId) => appId == 0 || appId >= s_names.Length ? null : s_names[appId];

    private static string[] BuildNames()
    {
        var values = Enum.GetValues<AppName>();
        var names = new string[(int)values[^1] + 1];
        foreach (var value in values)
        {
            names[(int)value] = value.ToString().ToLowerInvariant();
        }

        return names;
    }
}
