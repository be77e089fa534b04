using System.Text.RegularExpressions;
using Tiebreak.Cli;
using Tiebreak.Findings;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Findings;

/// <summary>Every rule has a page and every page a rule; its example raises exactly that rule, and what stands under Instead does not.</summary>
public sealed partial class RulePagesTests
{
    static readonly string[] Headings = ["What it finds", "Why it hurts", "Example", "Instead", "When to leave it", "How to fix", "How sure", "References"];

    public static TheoryData<string> Codes() => [.. RuleCatalogue.All.Select(rule => rule.Code)];

    [Fact]
    public void Pages_and_rules_are_the_same_set() =>
        Assert.Equal(RuleCatalogue.All.Select(rule => rule.Code).Order(), Directory.EnumerateFiles(Repository.File("docs", "rules"), "*.md").Select(Path.GetFileNameWithoutExtension).Order());

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_page_has_its_title_and_headings_in_order(string code)
    {
        var rule = RuleCatalogue.Find(code);
        var lines = RuleCatalogue.Page(rule).ReplaceLineEndings("\n").Split('\n');
        Assert.Equal($"# {code} {rule.Name}", lines[0]);
        Assert.Equal(Headings, lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)).Select(line => line[3..]));
        Assert.Matches(Named(), rule.Name);
        foreach (var heading in Headings) Assert.NotEqual("", Section(rule, heading).Trim());
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void The_example_raises_exactly_its_rule_and_instead_does_not(string code)
    {
        Assert.Equal([code], Raised(code, "Example"));
        Assert.DoesNotContain(code, Raised(code, "Instead"));
    }

    [Fact]
    public void Explain_prints_the_page_and_rules_lists_them_all()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(0, CommandLine.Run(["explain", "lockstep-units"], output, error));
        Assert.Equal(File.ReadAllText(Repository.File("docs", "rules", "TB001.md")), output.ToString());
        using var list = new StringWriter();
        Assert.Equal(0, CommandLine.Run(["rules"], list, error));
        Assert.Equal(RuleCatalogue.All.Select(rule => rule.Code), list.ToString().TrimEnd().Split('\n').Select(line => line.Split(' ')[0]));
        Assert.Equal(2, CommandLine.Run(["explain", "TB0001"], list, error));
        Assert.Equal("error: there is no rule `TB0001`; did you mean `TB001`?\n", error.ToString().ReplaceLineEndings("\n"));
        Assert.Equal(2, CommandLine.Run(["explain"], list, error));
        Assert.EndsWith("error: no RULE given; try `tiebreak explain TB001`\n", error.ToString().ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    static IEnumerable<string> Raised(string code, string heading)
    {
        using var folder = new TemporaryFolder();
        string? model = null;
        string? table = null;
        double? tolerance = null;
        foreach (Match block in Blocks().Matches(Section(RuleCatalogue.Find(code), heading)))
        {
            var text = block.Groups["text"].Value;
            switch (block.Groups["kind"].Value)
            {
                case "formula":
                    File.WriteAllText(model = folder.File("m.tb"), text);
                    break;
                case "csv":
                    File.WriteAllText(table = folder.File("d.csv"), text);
                    break;
                case "console": // the one option that an example may need
                    tolerance = double.Parse(text.Trim().Split("--tolerance ")[1], System.Globalization.CultureInfo.InvariantCulture);
                    break;
                case "onnx":
                    model = Repository.File(text.Trim().Split('/'));
                    break;
                case var other:
                    Assert.Fail($"{code}: a block of `{other}`");
                    break;
            }
        }

        Assert.NotNull(model);
        return Check.Model(model, new CheckOptions { Data = table, Tolerance = tolerance }).Findings.Select(finding => finding.Rule).Distinct();
    }

    static string Section(Rule rule, string heading)
    {
        var page = RuleCatalogue.Page(rule).ReplaceLineEndings("\n");
        var start = page.IndexOf($"## {heading}\n", StringComparison.Ordinal);
        var end = page.IndexOf("\n## ", start + 3, StringComparison.Ordinal);
        return page[(start + heading.Length + 4)..(end < 0 ? page.Length : end)];
    }

    [GeneratedRegex("```(?<kind>[a-z]+)\\n(?<text>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Blocks();

    [GeneratedRegex("^[a-z]+(-[a-z]+)+$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Named();
}
