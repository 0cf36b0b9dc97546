// tapline fuzz: `Tapline.Fuzz TARGET [--seconds N] [--seed N]`, `Tapline.Fuzz TARGET --input HEX`, `Tapline.Fuzz
// smoke`. Exit code 0 = nothing found, 1 = a finding (printed with its seed and input), 2 = usage.
using System.Globalization;
using Tapline.Fuzz;

Func<IFuzzTarget>[] targets =
[
    () => new FrameTarget(), () => new CaptureFileTarget(), () => new ShapeTarget(), () => new ExpressionTarget(),
    () => new IdentityTarget(), () => new IndexTarget(), () => new ContainerTarget(), () => new BlockTarget(),
];
var names = targets.Select(make =>
{
    using var target = make();
    return target.Name;
}).ToArray();

var smoke = args.Length > 0 && args[0] == "smoke";
int seconds = smoke ? 5 : 10, seed = Environment.TickCount & 0x7FFFFFFF;
string? input = null;
var usage = args.Length == 0 || args.Length % 2 == 0;
for (var i = 1; i + 1 < args.Length && !usage; i += 2)
{
    usage = args[i] switch
    {
        "--seconds" => !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out seconds),
        "--seed" => !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out seed),
        "--input" => (input = args[i + 1]) is null,
        _ => true,
    };
}

if (usage || (!smoke && !names.Contains(args[0])))
{
    var verbs = string.Join('|', names);
    Console.Error.WriteLine($"usage: Tapline.Fuzz {verbs}|smoke [--seconds N] [--seed N] [--input HEX]");
    return 2;
}

int passed = 0, failed = 0;
foreach (var make in targets)
{
    using var target = make();
    if (!smoke && target.Name != args[0])
    {
        continue;
    }

    Console.WriteLine($"{target.Name}: seed {seed}, {seconds} s");
    long inputs = 1;
    var finding = input is null
        ? FuzzRun.Go(target, seed, TimeSpan.FromSeconds(seconds), long.MaxValue, out inputs)
        : FuzzRun.Try(target, Convert.FromHexString(input));
    Console.WriteLine(finding ?? $"{target.Name}: {inputs} inputs, nothing found");
    passed += finding is null ? 1 : 0;
    failed += finding is null ? 0 : 1;
}

Console.WriteLine($"{passed} passed, {failed} failed");
return failed == 0 ? 0 : 1;
