using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>
/// Trades time for memory: values of a forward part are not kept until its adjoints need them, but made anew then. Only what crosses a few narrow places of the program stays (in a deep network the stream between its layers), and what
/// lies between two of them lives while its own adjoints are made (Griewank and Walther, Algorithm 799, 2000; Chen et al., "Training deep nets with sublinear memory cost", 2016). It costs the forward part once more.
/// </summary>
static class Rematerialization
{
    /// <summary>How much narrower than its surroundings a place must be.</summary>
    const int Narrower = 2;

    /// <summary>Nodes that are made anew for each reader by every evaluation: leaves without randomness of their own, and plain looks at them.</summary>
    public static bool[] OfLeaves(TensorProgram program)
    {
        var isLeaf = new bool[program.Nodes.Count];
        foreach (var node in program.Nodes) isLeaf[node.Id] = node.Primitive is Primitive.Parameter or Primitive.Constant || (IsLook(node) && isLeaf[node.Operands[0].Id]);
        return isLeaf;
    }

    /// <summary>The same outputs from a program that needs less memory at once.</summary>
    /// <param name="program">A forward part and its adjoints.</param>
    /// <param name="forward">How many of its nodes are the forward part.</param>
    public static TensorProgram Of(TensorProgram program, int forward)
    {
        var isNeeded = Needed(program);
        var isLeaf = OfLeaves(program);
        var (origin, last) = Lifetimes(program, forward, isNeeded, isLeaf);
        var places = NarrowPlaces(program, origin, last);
        if (places.Count == 0) return program;

        // What crosses a narrow place stays, and what is made after the last of them, as its adjoints come next.
        var stays = new bool[forward];
        for (var id = 0; id < forward; id++) stays[id] = isLeaf[id] || id > places[^1] || (origin[id] == id && Crosses(id));
        return new Copy(program, forward, isNeeded, stays).Made();

        bool Crosses(int id)
        {
            var place = places.BinarySearch(id);
            return places[place < 0 ? ~place : place] < last[id];
        }
    }

    /// <summary>The most numbers that an evaluation holds at once in each field, but for what a single node takes while it is made.</summary>
    public static long MostAlive(TensorProgram program)
    {
        var (origin, last) = Lifetimes(program, program.Nodes.Count, Needed(program), OfLeaves(program));
        long most = 0;
        Alive(program, origin, last, (_, alive) => most = Math.Max(most, alive));
        return most;
    }

    // Shares the memory of what it looks at, or at least costs next to nothing.
    static bool IsLook(Node node) => node.Primitive is Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast or Primitive.Gather { Map: IndexMap.Affine };

    static bool[] Needed(TensorProgram program)
    {
        var isNeeded = new bool[program.Nodes.Count];
        foreach (var (_, node) in program.Outputs) isNeeded[node.Id] = true;
        for (var id = isNeeded.Length - 1; id >= 0; id--)
            if (isNeeded[id])
                foreach (var operand in program.Nodes[id].Operands) isNeeded[operand.Id] = true;
        return isNeeded;
    }

    // For each of the first nodes the one whose memory it looks at, and for that one the last of them that reads it; −1 where none does, or no memory is taken.
    static (int[] Origin, int[] Last) Lifetimes(TensorProgram program, int first, bool[] isNeeded, bool[] isLeaf)
    {
        var (origin, last) = (new int[first], new int[first]);
        Array.Fill(last, -1);
        for (var id = 0; id < first; id++)
        {
            var node = program.Nodes[id];
            origin[id] = IsLook(node) ? origin[node.Operands[0].Id] : id;
            if (!isNeeded[id] || isLeaf[id] || IsLook(node)) continue;
            foreach (var operand in node.Operands)
                if (!isLeaf[operand.Id]) last[origin[operand.Id]] = id;
        }

        return (origin, last);
    }

    // How many numbers are alive after each node.
    static void Alive(TensorProgram program, int[] origin, int[] last, Action<int, long> after)
    {
        var ends = new long[last.Length];
        for (var id = 0; id < last.Length; id++)
            if (last[id] >= 0) ends[last[id]] += program.Nodes[id].Shape.Count;
        long alive = 0;
        for (var id = 0; id < last.Length; id++)
        {
            if (last[id] >= 0 && origin[id] == id) alive += program.Nodes[id].Shape.Count;
            alive -= ends[id];
            after(id, alive);
        }
    }

    // Nodes after which little is alive: the least between two places where it is much more.
    static List<int> NarrowPlaces(TensorProgram program, int[] origin, int[] last)
    {
        var places = new List<int>();
        var (least, most) = (long.MaxValue, 0L);
        var (at, isFalling) = (-1, false);
        Alive(program, origin, last, (id, alive) =>
        {
            if (!isFalling)
            {
                most = Math.Max(most, alive);
                if (alive > most / Narrower) return;
                (isFalling, least) = (true, long.MaxValue);
            }

            if (alive < least) (least, at) = (alive, id);
            else if (alive >= least * Narrower && alive > 0)
            {
                if (least > 0) places.Add(at);
                (isFalling, most) = (false, alive);
            }
        });
        return places;
    }

    /// <summary>The program's nodes, those of the forward part once more where adjoints read what does not stay.</summary>
    sealed class Copy(TensorProgram program, int forward, bool[] isNeeded, bool[] stays)
    {
        readonly List<Node> _nodes = [.. program.Nodes.Take(forward)];
        readonly Dictionary<Node, Node> _anew = []; // nodes of the forward part
        readonly Node?[] _adjoints = new Node?[program.Nodes.Count];

        public TensorProgram Made()
        {
            for (var id = forward; id < program.Nodes.Count; id++)
            {
                if (!isNeeded[id]) continue;
                foreach (var operand in program.Nodes[id].Operands)
                    if (operand.Id < forward) MakeAnew(operand);
                _adjoints[id] = Add(program.Nodes[id], operand => operand.Id < forward ? Lasting(operand) : _adjoints[operand.Id]!);
            }

            return new TensorProgram(_nodes, [.. program.Outputs.Select(output => (output.Name, output.Node.Id < forward ? output.Node : _adjoints[output.Node.Id]!))]);
        }

        Node Lasting(Node node) => stays[node.Id] ? node : _anew[node];

        // With all that it is made of, up to what stays.
        void MakeAnew(Node node)
        {
            var (missing, open) = (new SortedSet<int>(), new Stack<Node>([node]));
            while (open.TryPop(out var next))
            {
                if (stays[next.Id] || _anew.ContainsKey(next) || !missing.Add(next.Id)) continue;
                foreach (var operand in next.Operands) open.Push(operand);
            }

            foreach (var id in missing) _anew.Add(program.Nodes[id], Add(program.Nodes[id], Lasting));
        }

        Node Add(Node node, Func<Node, Node> operandOf)
        {
            var made = new Node(_nodes.Count, node.Primitive, [.. node.Operands.Select(operandOf)], node.Shape, node.Origin);
            _nodes.Add(made);
            return made;
        }
    }
}
