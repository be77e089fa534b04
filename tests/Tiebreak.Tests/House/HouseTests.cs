using System.Text.RegularExpressions;
using Xunit;

namespace Tiebreak.Tests.House;

/// <summary>What keeps the house in order: who may use whom, sizes of files, words that must not stand in the code.</summary>
public sealed partial class HouseTests
{
    /// <summary>Folder of the library → folders it may use; repeated as a table in docs/architecture.md.</summary>
    static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Numbers"] = ["Programs"], // kinds of functions and tie-breaks only
        ["Programs"] = ["Numbers"],
        ["Gradients"] = ["Programs", "Numbers"],
        ["Formats"] = ["Programs", "Numbers"],
        ["Evaluation"] = ["Programs", "Numbers"],
        ["Refinement"] = ["Formats", "Programs", "Gradients", "Evaluation", "Numbers"],
        ["Verification"] = ["Programs", "Formats", "Numbers"],
        ["Proofs"] = ["Refinement", "Formats", "Programs", "Gradients", "Evaluation", "Numbers"],
        ["Repairs"] = ["Findings", "Proofs", "Refinement", "Formats", "Programs", "Gradients", "Evaluation", "Numbers"],
        ["Findings"] = ["Refinement", "Formats", "Programs", "Numbers"],
    };

    [Fact]
    public void Every_folder_uses_only_what_the_map_allows()
    {
        var wrong = new List<string>();
        foreach (var file in Sources("src/Tiebreak"))
        {
            var folder = Path.GetRelativePath(Repository.File("src", "Tiebreak"), file).Split(Path.DirectorySeparatorChar)[0];
            if (folder.EndsWith(".cs", StringComparison.Ordinal)) continue; // files at the root may use all
            Assert.True(Allowed.ContainsKey(folder), $"{folder} is not in the map");
            foreach (Match use in UsesOfFolders().Matches(File.ReadAllText(file)))
            {
                var used = use.Groups["folder"].Value;
                if (Allowed.ContainsKey(used) && !string.Equals(used, folder, StringComparison.Ordinal) && !Allowed[folder].Contains(used)) wrong.Add($"{file}: {use.Value}");
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void No_global_using_hides_an_arrow() =>
        Assert.DoesNotContain(Sources("src"), file => File.ReadAllText(file).Contains("global using Tiebreak", StringComparison.Ordinal));

    [Fact]
    public void No_source_file_is_longer_than_400_lines() =>
        Assert.Empty(Sources("src").Concat(Sources("tests")).Select(file => (file, Lines: File.ReadLines(file).Count())).Where(entry => entry.Lines > 400));

    [Fact]
    public void Nothing_unfinished_is_left_in_the_code() =>
        Assert.Empty(Sources("src").Where(file => Unfinished().IsMatch(File.ReadAllText(file))));

    [Fact]
    public void The_readme_is_a_page_not_a_book() => Assert.InRange(File.ReadLines(Repository.File("README.md")).Count(), 20, 200);

    [Fact]
    public void The_library_draws_no_randomness_and_no_time_of_its_own() =>
        Assert.Empty(Sources("src/Tiebreak").Where(file => Impure().IsMatch(File.ReadAllText(file))));

    static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Repository.File(folder.Split('/')), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    [GeneratedRegex(@"(using |[^.\w])Tiebreak\.(?<folder>[A-Z]\w*)", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex UsesOfFolders();

    [GeneratedRegex("TODO|FIXME|HACK|NotImplementedException", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"Random\.Shared|new Random\(\)|DateTime\.(Utc)?Now|Stopwatch|Guid\.NewGuid|Console\.", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Impure();
}
