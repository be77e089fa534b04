using Tiebreak.Formats;
using Tiebreak.Programs;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>
/// Weights of different tensors that stand in one sum, each multiplied with the same: the last layers of ensemble members that are averaged, of experts with equal gates. What one gets and the other loses leaves the sum
/// as it is.
/// </summary>
sealed class CopySums
{
    const int Deepest = 400;

    readonly Model _model;
    readonly bool[] _isLinear; // made from weights linearly, somehow
    readonly bool[] _dependsOnData;
    readonly HashSet<Node> _asked = [];

    CopySums(Model model)
    {
        _model = model;
        _dependsOnData = model.Program.DependsOn(leaf => leaf is Primitive.Data);
        _isLinear = new bool[model.Program.Nodes.Count];
        foreach (var node in model.Program.Nodes)
            _isLinear[node.Id] = node.Primitive is Primitive.Parameter || (node.Primitive is not (Primitive.Apply or Primitive.Choose or Primitive.Reciprocal or Primitive.Data or Primitive.Constant) && node.Operands.Any(operand => _isLinear[operand.Id]));
    }

    /// <summary>Pairs of tensors, and whether the second counts negatively in the sum of both.</summary>
    public static IEnumerable<(int First, int Second, bool IsOpposite)> Of(Model model, PointRun run)
    {
        var sums = new CopySums(model);
        var summed = model.Program.Nodes.Where(node => node.Primitive is Primitive.Add).SelectMany(node => node.Operands).Where(node => node.Primitive is Primitive.Add).ToHashSet();
        var roots = model.Program.Nodes.Where(node => node.Primitive is Primitive.Add && !summed.Contains(node)).ToArray();
        foreach (var root in roots) _ = sums.Terms(root, "", false, 0, sums.Ask).Count(); // first all that must be known, then the words
        var prints = run.Prints([.. sums._asked]);
        foreach (var root in roots)
        {
            var terms = sums.Terms(root, "", false, 0, node => prints[node.Id].ToString("x", System.Globalization.CultureInfo.InvariantCulture)).ToArray();
            foreach (var group in terms.GroupBy(term => (term.Path, term.Shape)).Where(group => group.Select(term => term.Tensor).Distinct().Count() > 1))
            {
                var members = group.DistinctBy(term => term.Tensor).ToArray();
                if (group.Count() != members.Length || members.Any(member => terms.Count(term => term.Tensor == member.Tensor) > 1)) continue; // a tensor that stands there twice moves twice
                for (var k = 0; k + 1 < members.Length; k++) yield return (members[k].Tensor, members[k + 1].Tensor, members[k].IsNegative != members[k + 1].IsNegative);
            }
        }
    }

    readonly record struct SumTerm(int Tensor, Shape Shape, string Path, bool IsNegative);

    string Ask(Node node)
    {
        _asked.Add(node);
        return "";
    }

    // All weights that a sum holds, each with what is done to it on the way: a word for each operation, and for what it is multiplied with a print of its value.
    IEnumerable<SumTerm> Terms(Node node, string path, bool isNegative, int depth, Func<Node, string> print)
    {
        if (!_isLinear[node.Id] || depth > Deepest) yield break;
        switch (node.Primitive)
        {
            case Primitive.Parameter parameter:
                var tensor = Enumerable.Range(0, _model.Parameters.Count).FirstOrDefault(k => _model.Parameters[k].Name == parameter.Name, -1);
                if (tensor >= 0) yield return new SumTerm(tensor, node.Shape, path, isNegative);
                yield break;
            case Primitive.Add:
                foreach (var term in node.Operands.SelectMany(operand => Terms(operand, path, isNegative, depth + 1, print))) yield return term;
                yield break;
            case Primitive.Negate:
                foreach (var term in Terms(node.Operands[0], path, !isNegative, depth + 1, print)) yield return term;
                yield break;
            case Primitive.Multiply or Primitive.Contract:
                // One factor holds the weight, the other must be the same for all terms. Of two that hold weights the one without data is it.
                var (left, right) = (node.Operands[0], node.Operands[1]);
                var side = !_isLinear[left.Id] ? 1 : !_isLinear[right.Id] ? 0 : !_dependsOnData[right.Id] && _dependsOnData[left.Id] ? 1 : !_dependsOnData[left.Id] && _dependsOnData[right.Id] ? 0 : node.Primitive is Primitive.Multiply ? 0 : 1;
                var word = $"{path}|{side} {(node.Primitive is Primitive.Contract contract ? $"{contract.Left},{contract.Right}>{contract.Output}" : "*")} {print(node.Operands[1 - side])}";
                foreach (var term in Terms(node.Operands[side], word, isNegative, depth + 1, print)) yield return term;
                yield break;
            case Primitive.Concat:
                yield break;
            default:
                foreach (var term in Terms(node.Operands[0], $"{path}|{Word(node)}", isNegative, depth + 1, print)) yield return term;
                yield break;
        }
    }

    static string Word(Node node) => node.Primitive switch
    {
        Primitive.Gather gather => $"gather {gather.Map.GetHashCode()} {gather.Map.Source}",
        Primitive.ScatterAdd scatter => $"scatter {scatter.Map.GetHashCode()} {scatter.Map.Source}",
        var primitive => $"{primitive} {node.Shape}",
    };
}
