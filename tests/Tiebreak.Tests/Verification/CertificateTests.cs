using System.Text.Json;
using System.Text.Json.Nodes;
using Tiebreak.Cli;
using Tiebreak.Formats;
using Tiebreak.Tests.House;
using Tiebreak.Verification;
using Xunit;

namespace Tiebreak.Tests.Verification;

/// <summary>Certificates as files: they verify as written, and nobody can change them unnoticed.</summary>
public sealed class CertificateTests
{
    const string Model = """
        param W[4,3] = [[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [-0.1, -0.2, -0.3], [0.5, 0.6, 0.7]]
        param v[4] = [0.4, 0.4, -0.4, 0]
        param dead[3] = 0
        param gate[3] = 0
        data x[3], y
        loss (y - v @ tanh(W @ x) - (dead * gate) @ x)**2
        """;

    public static TheoryData<string> Cases => Tiebreak.Tests.Cases.SharedCasesTests.Names;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_known_case_is_proved_as_the_engine_certifies_it_and_as_it_is_known(string name)
    {
        using var folder = new TemporaryFolder();
        var path = Repository.FromShared("cases", name + ".onnx");
        var certificate = Certify.Of(Check.Model(path), "test");
        Assert.Null(Verify(folder, path, certificate).Violation);

        using var known = JsonDocument.Parse(File.ReadAllText(Repository.FromShared("cases", name + ".partition.json")));
        var tensors = known.RootElement.GetProperty("tensors").EnumerateArray().ToArray();
        List<int> steps = [0];
        var codes = certificate.Tensors.Select(tensor =>
        {
            var given = tensors.Single(other => other.GetProperty("name").ValueEquals(tensor.Name));
            int[] Numbers(string property) => [.. given.GetProperty(property).EnumerateArray().Select(value => value.GetInt32())];
            var (classes, firstSteps) = (Numbers("class"), Numbers("firstStep"));
            for (var k = 0; k < classes.Length; k++)
                if (classes[k] == steps.Count) steps.Add(firstSteps[k]);
            return classes.Zip(Numbers("sign"), (number, sign) => number * sign).ToArray();
        }).ToArray();
        var verdict = Verify(folder, path, certificate with { Claim = new Claim(codes, steps) });
        Assert.Null(verdict.Violation);
        Assert.Equal(verdict.AllClasses, verdict.Classes);
        Assert.NotNull(verdict.Rounds);
    }

    public static TheoryData<string, string> Mutations => new()
    {
        { "two classes become one", "are said to be in lockstep" },
        { "a class is split", "put into class" },
        { "a sign is turned", "does not suit" },
        { "a parameter joins another class", "does not suit" },
        { "one that starts equal joins another class", "gradients differ" },
        { "a moving parameter is called stuck", "said to be stuck" },
        { "a stuck parameter is called moving", "said to move, but is not seen to" },
        { "a first step is later", "is said to move first at step 2" },
        { "a first step is earlier", "first step of class" },
        { "the hash of the model", "is not the file that was certified" },
        { "the model, and its hash", "does not suit" },
        { "a first step beyond all rounds", "first step of class" },
        { "the largest first step there is", "first step of class" },
        { "the epsilon", "contradicts itself" },
        { "the epsilon, with its bound", "misstates how" },
        { "verifications and a bound of zero", "misstates how" },
        { "more verifications, with their bound", "misstates how" },
        { "a bound that was asked for and not met", "misstates how" },
        { "one more round, with its bound", "takes" },
        { "no certainty at all", "own error bound" },
        { "branches that there are not", "decides 3 branches" },
        { "a size of a dimension that there is not", "no such free dimension" },
        { "the error bound", "contradicts itself" },
        { "the verifications", "contradicts itself" },
        { "no rounds", "contradicts itself" },
        { "a tensor is missing", "tensors" },
        { "a tensor is renamed", "where the model has" },
        { "a shape is changed", "where the model has" },
        { "weight decay is assumed", "weight decay moves it" },
        { "a learning rate of its own is assumed", "said to be in lockstep" },
        { "classes are not numbered in order", "malformed" },
    };

    [Theory]
    [MemberData(nameof(Mutations))]
    public void A_changed_certificate_is_refused_with_the_reason(string mutation, string reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        var certificate = Certify.Of(Check.Model(folder.File("model.tb")), "test");
        Assert.Null(Verify(folder, folder.File("model.tb"), certificate).Violation);
        var violation = Verify(folder, folder.File("model.tb"), Mutated(certificate, mutation, folder)).Violation;
        Assert.NotNull(violation);
        Assert.Contains(reason, violation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "damaged certificate")]
    [InlineData("[]", "is no certificate")]
    [InlineData("{\"kind\": \"tiebreak certificate\", \"schema\": 7, \"tool\": \"tiebreak 9\"}", "has schema 7")]
    [InlineData("{\"kind\": \"tiebreak certificate\", \"schema\": 1, \"tool\": \"t\"}", "damaged certificate")]
    public void What_is_no_certificate_is_refused_in_one_line(string text, string reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        File.WriteAllText(folder.File("c.json"), text);
        var (code, _, error) = Run("verify", folder.File("model.tb"), folder.File("c.json"));
        Assert.Equal(2, code);
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Theory]
    [InlineData("claim.tensors.0.codes", "1..2000000000", "more than the")]
    [InlineData("claim.tensors.0.codes", "1*99999999999", "no whole number")]
    [InlineData("claim.tensors.0.codes", "1..x", "no whole number")]
    [InlineData("claim.tensors.0.codes", "1", "are needed")]
    [InlineData("claim.tensors.0.shape", "65536,65536,65536", "parameters of the model")]
    [InlineData("claim.firstSteps", "1*5", "numbers")]
    [InlineData("claim.classes", "2000000000", "classes of")]
    [InlineData("claim.tensors.0.shape", "2147483647,0", "no shape of the model")]
    [InlineData("claim.tensors.0.order", "0,1,5,0", "no slice 5")]
    [InlineData("claim.tensors.0.order", "0,1,-1,0", "no slice -1")]
    [InlineData("assumptions.ways", "[]", "names no sizes")]
    [InlineData("assumptions.ways.0.dims", "{\"batch\": -1}", "sizes go from")]
    [InlineData("assumptions.ways.0.branches", "1x", "no branches")]
    [InlineData("assumptions.inputRange", "[0]", "inputRange")]
    [InlineData("assumptions.inputRange", "[1, -1]", "inputRange")]
    [InlineData("assumptions.batchNorm", "junk", "one of training, inference")]
    [InlineData("assumptions.loss", "mine", "one of any")]
    [InlineData("assumptions.kinks", "random", "one of frameworks")]
    [InlineData("assumptions.batch", "0", "sizes go from")]
    [InlineData("assumptions.optimizer", "muon", "mixes the parameters")]
    [InlineData("assumptions.groups", "[\"nothing\"]", "no tensor has such a name")]
    public void Hostile_numbers_in_a_certificate_cost_nothing(string at, string value, string reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        Assert.Equal(0, Run("check", folder.File("model.tb"), "--certificate", folder.File("c.json"), "--fail-on", "never").Code);
        var root = JsonNode.Parse(File.ReadAllText(folder.File("c.json")))!;
        var parts = at.Split('.');
        var parent = parts[..^1].Aggregate(root, (node, part) => int.TryParse(part, out var k) ? node[k]! : node[part]!);
        if (parts[^1] is "order") ((JsonObject)parent)["slices"] = new JsonArray("1..3", "4..6", "7..9");
        if (parts[^1] is "order") ((JsonObject)parent).Remove("codes");
        if (parts[^1] == "codes") foreach (var name in new[] { "slices", "order" }) ((JsonObject)parent).Remove(name);
        parent[parts[^1]] = parts[^1] is "classes" or "batch" || value[0] is '[' or '{' ? JsonNode.Parse(value) : value;
        File.WriteAllText(folder.File("c.json"), root.ToJsonString());
        var (code, _, error) = Run("verify", folder.File("model.tb"), folder.File("c.json"));
        Assert.Equal(2, code);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_written_by_check_is_proved_by_verify()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        Assert.Equal(0, Run("check", folder.File("model.tb"), "--certificate", folder.File("c.json"), "--fail-on", "never").Code);
        var (code, output, error) = Run("verify", folder.File("model.tb"), folder.File("c.json"), "--seed", "1");
        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith("proved\n", output, StringComparison.Ordinal);
        var json = JsonNode.Parse(Run("verify", folder.File("model.tb"), folder.File("c.json"), "--format", "json").Output)!;
        Assert.True(json["proved"]!.GetValue<bool>());

        File.AppendAllText(folder.File("model.tb"), "\n# a comment\n");
        (code, output, _) = Run("verify", folder.File("model.tb"), folder.File("c.json"));
        Assert.Equal(1, code);
        Assert.StartsWith("not proved: `model.tb` is not the file that was certified", output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_assumed_is_said_with_the_verdict()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), "param w[3] = 0\nparam v[3] = [1, 2, 3]\nparam b = 0\ndata x, y\nloss (y - v @ relu(w*x) - b)**2");
        Assert.Equal(0, Run("check", folder.File("model.tb"), "--certificate", folder.File("c.json"), "--fail-on", "never", "--optimizer", "adam", "--weight-decay", "0.1", "--group", "b", "--freeze", "v", "--input-range", "0,1").Code);
        var output = Run("verify", folder.File("model.tb"), folder.File("c.json")).Output.ReplaceLineEndings(" ");
        foreach (var said in new[] { "`loss` is the loss", "any data from 0 to 1", "adam with weight decay", "learning rates of their own for `b`", "1 frozen tensor", "at kinks, which were met", "means:" })
            Assert.Contains(said, System.Text.RegularExpressions.Regex.Replace(output, " +", " ", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(5)), StringComparison.Ordinal);
        var assumed = JsonNode.Parse(Run("verify", folder.File("model.tb"), folder.File("c.json"), "--format", "json").Output)!["assumptions"]!;
        Assert.Equal(("adam", "0,1", "frameworks", true, true), (assumed["optimizer"]!.GetValue<string>(), assumed["inputRange"]!.GetValue<string>(), assumed["kinks"]!.GetValue<string>(), assumed["kinksMet"]!.GetValue<bool>(), assumed["weightDecay"]!.GetValue<bool>()));
    }

    [Theory]
    [InlineData("relu(1e-400 - x**2)*a")] // a is called stuck, and moves where x is small
    [InlineData("relu(1e-300*1e-300 - x**2)*a")]
    [InlineData("relu(c*0 + d - x**2)*a")]
    public void What_moves_for_tiny_data_is_not_proved_stuck(string loss)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), $"param a = 1\nparam c = 1\nparam d = 1e-400\ndata x\nloss {loss}");
        var certificate = Certify.Of(Check.Model(folder.File("model.tb")), "test");
        Assert.NotEqual(0, certificate.Claim.Codes[0][0]);
        Assert.True(Verify(folder, folder.File("model.tb"), certificate).IsProved);
        var forged = certificate with { Claim = new Claim([.. certificate.Claim.Codes.Select(codes => new int[codes.Length])], [0]) };
        Assert.False(Verify(folder, folder.File("model.tb"), forged).IsProved);
    }

    [Theory]
    [InlineData("relu(-abs(x))*a")]
    [InlineData("relu(tanh(x) - 1)*a")]
    [InlineData("relu(sigmoid(x) - 1)*a")]
    [InlineData("relu(-1/(1 + exp(x)))*a")]
    [InlineData("relu(tanh(x)**2 - 1)*a")]
    [InlineData("relu(minimum(x, 6) - 6)*a")]
    [InlineData("relu(-exp(x) - 1/2)*a")]
    public void What_order_closes_is_proved_stuck(string loss)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), $"param a = 1\ndata x\nloss {loss}");
        var certificate = Certify.Of(Check.Model(folder.File("model.tb")), "test");
        Assert.Equal(0, certificate.Claim.Codes[0][0]);
        Assert.Null(Verify(folder, folder.File("model.tb"), certificate).Violation);
    }

    [Fact]
    public void Where_a_gate_is_left_open_nobody_is_accused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), "param a = 1\ndata x\nloss relu(-x**2 - x**4 + x**2)*a"); // not positive, which bounds cannot see
        var certificate = Certify.Of(Check.Model(folder.File("model.tb")), "test");
        var forged = certificate with { Claim = new Claim([[0]], [0]) };
        Assert.Contains("could not confirm", Verify(folder, folder.File("model.tb"), forged).Violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sample_is_never_called_proved_and_nobody_can_foresee_it()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), "param U[12001] = 1\nparam w = 1\nparam z = 2\ndata x, y\nloss (y - w*x - z*x**2)**2");
        var model = Check.Model(folder.File("model.tb")).Analysis.Model;
        var drawn = new HashSet<string>();
        for (byte key = 1; key <= 3; key++)
        {
            var sample = Sample.Draw(new Claim([new int[12001], [1], [2]], [0, 1, 1]), new Randomness([key]));
            Assert.InRange(sample.Stuck, 3_000, 5_000);
            drawn.Add(string.Join(',', Enumerable.Range(0, 12001).Where(place => sample.Has(0, place)).Take(20)));
        }

        Assert.Equal(3, drawn.Count);
        var verdict = Verifier.Check(model, new Claim([new int[12001], [1], [2]], [0, 1, 1]), new VerifierOptions { Key = [1], MostWork = 1 });
        Assert.Null(verdict.Violation);
        Assert.False(verdict.IsProved);
        // Everything is checked at the points, but not the rounds: still not proved.
        Assert.False(new Tiebreak.Verification.Verdict(null, 1, 1e-30, 2, 2, 5, 5, null).IsProved);
    }

    [Fact]
    public void Above_the_limit_a_sample_of_the_classes_is_checked()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        var result = Check.Model(folder.File("model.tb"));
        var claim = Certify.Of(result, "test").Claim;
        var verdict = Verifier.Check(result.Analysis.Model, claim, new VerifierOptions { Key = [1], MostWork = 1 });
        Assert.Null(verdict.Violation);
        Assert.Null(verdict.Rounds);
        Assert.False(verdict.IsProved);
        Assert.InRange(verdict.Classes, 1, claim.Classes);
    }

    [Fact]
    public void Runs_of_codes_say_what_they_are_read_as()
    {
        var random = new Random(1);
        for (var k = 0; k < 500; k++)
        {
            var at = 0;
            int[] numbers = [.. Enumerable.Range(0, random.Next(40)).Select(_ => at = random.Next(4) switch { 0 => random.Next(-5, 5), 1 => at + 1, 2 => at - 1, _ => at })];
            var read = new int[numbers.Length];
            CodeRuns.Read(CodeRuns.Write(numbers), read);
            Assert.Equal(numbers, read);
        }

        Assert.Equal("1..64,0*300,-1..-3,7", CodeRuns.Write([.. Enumerable.Range(1, 64), .. new int[300], -1, -2, -3, 7]));
    }

    static Certificate Mutated(Certificate certificate, string mutation, TemporaryFolder folder)
    {
        var codes = certificate.Claim.Codes.Select(tensor => tensor.ToArray()).ToArray();
        var steps = certificate.Claim.FirstSteps.ToList();
        Certificate Claimed() => certificate with { Claim = new Claim(codes, steps) };
        switch (mutation)
        {
            case "two classes become one":
                return Merged(certificate, 2, 0, 3, 1);
            case "a class is split":
                for (var k = 0; k < 3; k++) codes[0][3 + k] = certificate.Claim.Classes + 1 + k;
                codes[1][1] = certificate.Claim.Classes + 4; // the whole second unit, so that the set stays invariant, though not the smallest
                return Renumbered(certificate, codes, [.. steps, 1, 1, 1, 1]);
            case "a sign is turned":
                codes[0][3] = -codes[0][3];
                return Claimed();
            case "a parameter joins another class":
                codes[0][9] = codes[0][10];
                return Renumbered(certificate, codes, steps);
            case "one that starts equal joins another class":
                return Merged(certificate, 2, 0, 2, 1);
            case "a moving parameter is called stuck":
                codes[0][3] = 0;
                return Claimed();
            case "a stuck parameter is called moving":
                return WithStuckMoving(certificate);
            case "a first step is later":
                steps[1] = 2;
                return Claimed();
            case "a first step is earlier":
                steps[1] = 0;
                return Claimed();
            case "the hash of the model":
                return certificate with { Files = [(certificate.Files[0].Name, new string('0', 64))] };
            case "the model, and its hash":
                File.WriteAllText(folder.File("model.tb"), Model.Replace("[0.1, 0.2, 0.3], [-0.1", "[0.1, 0.25, 0.3], [-0.1", StringComparison.Ordinal));
                return certificate with { Files = Certificate.HashesOf([folder.File("model.tb")]) };
            case "the epsilon":
                return certificate with { Epsilon = certificate.Epsilon / 10 };
            case "a first step beyond all rounds":
                steps[1] = 1_000_000_000;
                return Claimed();
            case "the largest first step there is":
                steps[1] = int.MaxValue;
                return Claimed();
            case "the epsilon, with its bound":
                return certificate with { Epsilon = 1e-40, Verifications = 2, ErrorBound = certificate.Rounds * 1e-80 };
            case "verifications and a bound of zero":
                return certificate with { Verifications = 90, ErrorBound = 0 };
            case "more verifications, with their bound":
                return certificate with { Verifications = certificate.Verifications + 1, ErrorBound = certificate.Rounds * Math.Pow(certificate.Epsilon, certificate.Verifications + 1) };
            case "a bound that was asked for and not met":
                return certificate with { Asked = 1e-90 };
            case "one more round, with its bound":
                return certificate with { Rounds = certificate.Rounds + 1, ErrorBound = (certificate.Rounds + 1) * Math.Pow(certificate.Epsilon, certificate.Verifications) };
            case "no certainty at all":
                return certificate with { Epsilon = 1, ErrorBound = 1 };
            case "branches that there are not":
                return certificate with { Ways = [new Way([true, true, true], certificate.Ways[0].Dims)] };
            case "a size of a dimension that there is not":
                return certificate with { Ways = [new Way([], new Dictionary<string, int> { ["zzz"] = 3 })] };
            case "the error bound":
                return certificate with { ErrorBound = certificate.ErrorBound / 2 };
            case "the verifications":
                return certificate with { Verifications = certificate.Verifications + 1 };
            case "no rounds":
                return certificate with { Rounds = 0 };
            case "a tensor is missing":
                return Renumbered(certificate with { Tensors = [.. certificate.Tensors.SkipLast(1)] }, codes[..^1], steps);
            case "a tensor is renamed":
                return certificate with { Tensors = [("other", certificate.Tensors[0].Shape), .. certificate.Tensors.Skip(1)] };
            case "a shape is changed":
                return certificate with { Tensors = [(certificate.Tensors[0].Name, [3, 4]), .. certificate.Tensors.Skip(1)] };
            case "weight decay is assumed":
                codes[0][9] = 0;
                return Renumbered(certificate with { Decays = true }, codes, steps);
            case "a learning rate of its own is assumed":
                return Merged(certificate with { Groups = ["gate"] }, 2, 0, 3, 0);
            case "classes are not numbered in order":
                (codes[0][0], codes[0][1]) = (codes[0][1], codes[0][0]);
                return Claimed();
            default:
                throw new ArgumentException(mutation);
        }
    }

    // `dead` and `gate` are stuck: both zero, each waits for the other. Called moving, they all start alike; two of them are put together.
    static Certificate Merged(Certificate certificate, int tensor, int place, int otherTensor, int otherPlace)
    {
        var codes = certificate.Claim.Codes.Select(codes => codes.ToArray()).ToArray();
        codes[tensor][place] = codes[otherTensor][otherPlace] = certificate.Claim.Classes + 1;
        for (var t = 2; t <= 3; t++)
            for (var k = 0; k < 3; k++)
                if (codes[t][k] == 0) codes[t][k] = certificate.Claim.Classes + 2 + t * 3 + k;
        return Renumbered(certificate, codes, [.. certificate.Claim.FirstSteps, .. Enumerable.Repeat(1, 20)]);
    }

    static Certificate WithStuckMoving(Certificate certificate)
    {
        var codes = certificate.Claim.Codes.Select(codes => codes.ToArray()).ToArray();
        for (var k = 0; k < 6; k++) codes[2 + k / 3][k % 3] = certificate.Claim.Classes + 1 + k;
        return Renumbered(certificate, codes, [.. certificate.Claim.FirstSteps, .. Enumerable.Repeat(1, 6)]);
    }

    static Certificate Renumbered(Certificate certificate, int[][] codes, IReadOnlyList<int> steps) => certificate with { Claim = VerifierTests.Renumbered(codes, [.. steps]) };

    static Tiebreak.Verification.Verdict Verify(TemporaryFolder folder, string path, Certificate certificate)
    {
        using (var stream = File.Create(folder.File("certificate.json"))) CertificateFile.Write(certificate, stream);
        return Certify.Verify(path, folder.File("certificate.json"), new VerifierOptions { Key = [7] });
    }

    static (int Code, string Output, string Error) Run(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = CommandLine.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
